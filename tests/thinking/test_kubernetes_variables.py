"""Variables that Kubernetes adds for Services are ignored, and nothing else is."""

from dataclasses import replace

import pytest

from varsel.errors import SettingsError
from varsel.settings import Settings

SERVICE = {
    "VARSEL_PORT": "tcp://10.96.12.7:80",
    "VARSEL_SERVICE_HOST": "10.96.12.7",
    "VARSEL_SERVICE_PORT": "80",
    "VARSEL_SERVICE_PORT_HTTP": "80",
    "VARSEL_PORT_80_TCP": "tcp://10.96.12.7:80",
    "VARSEL_PORT_80_TCP_PROTO": "tcp",
    "VARSEL_PORT_80_TCP_PORT": "80",
    "VARSEL_PORT_80_TCP_ADDR": "10.96.12.7",
}
OTHER_SERVICES = {
    "VARSEL_API_SERVICE_HOST": "10.96.12.8",
    "VARSEL_API_PORT_80_TCP": "tcp://10.96.12.8:80",
    "VARSEL_API_PORT": "tcp://10.96.12.8:80",
    "VARSEL_SMTP_PORT": "tcp://[fd00::8]:25",
    "VARSEL_SMTP_SERVICE_HOST": "fd00::8",
    "VARSEL_DNS_PORT_53_UDP": "udp://10.96.12.9:53",
}


def test_variables_of_kubernetes_services_are_ignored() -> None:
    added = SERVICE | OTHER_SERVICES
    settings = Settings.read(added)
    assert settings.service_links == tuple(sorted(added))
    assert replace(settings, service_links=()) == Settings.read({})


def test_settings_beside_them_are_read() -> None:
    settings = Settings.read({**SERVICE, "VARSEL_PORT": "8080", "VARSEL_SMTP_PORT": "2525"})
    assert (settings.port, settings.smtp_port) == (8080, 2525)
    assert "VARSEL_PORT" not in settings.service_links


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VARSEL_PORT", "tcp:/10.0.0.1"),
        ("VARSEL_SMTP_PORT", "http://10.0.0.1:25"),
        ("VARSEL_HOSTT", "10.0.0.1"),
        ("VARSEL_SERVICE_HOSTS", "10.0.0.1"),
    ],
)
def test_what_only_resembles_them_is_judged_as_before(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.read({name: value})
