"""`/metrics`: replays are counted, by family and by whether the body is the first one's."""

from tests.support.service import Service


def _body(subject: str) -> dict[str, object]:
    settings = {"subject": subject, "body": "Text"}
    return {
        "idempotencyId": "one",
        "recipient": {"recipientEmail": {"emailAddress": "kari@example.com", "emailSettings": settings}},
    }


async def test_replays_are_counted(service: Service) -> None:
    for subject in ("Letter", "Letter", "Other"):
        answer = await service.post("/future/orders", _body(subject))
        assert answer.status_code in (200, 201)

    shown = await service.client.get("/metrics")

    assert shown.status_code == 200
    assert 'varsel_idempotency_replays_total{family="chain",body="same"} 1' in shown.text
    assert 'varsel_idempotency_replays_total{family="chain",body="differs"} 1' in shown.text
