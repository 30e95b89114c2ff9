"""HTML to readable plain text, for the plain alternative of an HTML e-mail.

A tokenizer of our own: the standard library's parser takes quadratic time on hostile input and raises on some of it,
and is several times slower. This one takes linear time (no pattern looks past the next `<`) and never fails.
"""

import re
from collections.abc import Callable
from html import unescape

_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<[!?][^<>]*>"
    r"|<(?P<tag>/?[a-zA-Z][a-zA-Z0-9:-]*)(?P<attributes>(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*+|[^<>]*)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"(?<![\w-])(href|alt)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"&#([0-9]{8,})")
_MOST_DIGITS = 8
"""One more than the last character's number has, so that what is cut off stays beyond it."""
_LINKED = ("http://", "https://", "mailto:")
_RULE = "-" * 40


def html_to_text(html: str) -> str:
    """Return the words of `html` as plain text with `\\n` line ends; never fails, whatever the input."""
    writer = _Writer()
    # Words, tag, attributes, words, tag, attributes … words; comments and declarations are tags of no name.
    pieces = _TOKEN.split(html)
    writer.words(pieces[0])
    for tag, attributes, words in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        if tag:
            writer.tag(tag.lower(), attributes)
        if words:
            writer.words(words)
    return writer.text()


class _Writer:
    """Collects words and line breaks; breaks are owed until the next word, so that they never pile up."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._breaks = 0
        self._space = False
        self._hidden_until = ""
        self._preformatted = 0
        self._lists: list[int | None] = []
        self._links: list[tuple[str, int]] = []

    def text(self) -> str:
        lines = "".join(self._out).split("\n")
        return "\n".join(line.rstrip() for line in lines).strip("\n")

    def words(self, source: str) -> None:
        if self._hidden_until:
            return
        text = _unescaped(source)
        if self._preformatted:
            self._put(text.replace("\r\n", "\n"))
            return
        self._space = self._space or text[:1].isspace()
        if words := text.split():
            self._put(" ".join(words))
            self._space = text[-1].isspace()

    def tag(self, name: str, attributes: str) -> None:
        """Act on a tag; the `name` of a closing one begins with a slash. Most names change nothing."""
        if self._hidden_until:
            if name == self._hidden_until:
                self._hidden_until = ""
        elif (action := _ACTIONS.get(name)) is not None:
            action(self, name, attributes)

    def hide(self, name: str, _attributes: str) -> None:
        self._hidden_until = f"/{name}"

    def line_break(self, _name: str, _attributes: str) -> None:
        self._breaks = self._breaks + 1 if self._out else 0

    def line(self, _name: str, _attributes: str) -> None:
        self._break(1)

    def paragraph(self, _name: str, _attributes: str) -> None:
        self._break(2)

    def rule(self, _name: str, _attributes: str) -> None:
        self._break(2)
        self._put(_RULE)
        self._break(2)

    def preformatted(self, name: str, _attributes: str) -> None:
        self._break(2)
        self._preformatted = max(0, self._preformatted + (-1 if name.startswith("/") else 1))

    def begin_list(self, name: str, _attributes: str) -> None:
        self._break(1 if self._lists else 2)
        self._lists.append(0 if name == "ol" else None)

    def end_list(self, _name: str, _attributes: str) -> None:
        if self._lists:
            self._lists.pop()
        self._break(1 if self._lists else 2)

    def item(self, _name: str, _attributes: str) -> None:
        self._break(1)
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        indent = "  " * (len(self._lists) - 1)
        self._put(f"{indent}- " if number is None else f"{indent}{number + 1}. ")

    def cell(self, _name: str, _attributes: str) -> None:
        self._space = True

    def image(self, _name: str, attributes: str) -> None:
        if alternative := _attribute("alt", attributes):
            self.words(alternative)

    def begin_link(self, _name: str, attributes: str) -> None:
        self._links.append((_attribute("href", attributes), len(self._out)))

    def end_link(self, _name: str, _attributes: str) -> None:
        """Name a link's target after its words, unless they are the same."""
        target, start = self._links.pop() if self._links else ("", 0)
        if target.lower().startswith(_LINKED):
            shown = "".join(self._out[start:]).strip()
            address = target.removeprefix("mailto:")
            if shown not in {target, address}:
                self._put(f" ({address})" if shown else address)

    def _break(self, lines: int) -> None:
        if self._breaks < lines and self._out:
            self._breaks = lines

    def _put(self, text: str) -> None:
        if self._breaks:
            self._out.append("\n" * min(self._breaks, 3))
            self._breaks = 0
        elif self._space and self._out:
            self._out.append(" ")
        self._space = False
        self._out.append(text)


def _attribute(name: str, attributes: str) -> str:
    for found in _ATTRIBUTE.finditer(attributes):
        if found[1].lower() == name:
            return _unescaped(found[2] or found[3] or found[4] or "").strip()
    return ""


def _unescaped(source: str) -> str:
    """Replace character references; a number beyond the last character becomes U+FFFD, however many digits it has."""
    return unescape(_LONG_NUMBER.sub(_shortened, source) if "&#" in source else source)


def _shortened(found: re.Match[str]) -> str:
    return f"&#{found[1].lstrip('0')[:_MOST_DIGITS] or '0'}"


def _both(names: str) -> list[str]:
    return [spelt for name in names.split() for spelt in (name, f"/{name}")]


_ACTIONS: dict[str, Callable[[_Writer, str, str], None]] = {
    **dict.fromkeys(["script", "style", "title", "template"], _Writer.hide),
    **dict.fromkeys(_both("div tr dt dd section article header footer address body form caption"), _Writer.line),
    **dict.fromkeys(_both("p h1 h2 h3 h4 h5 h6 dl table blockquote"), _Writer.paragraph),
    **dict.fromkeys(_both("pre"), _Writer.preformatted),
    **dict.fromkeys(("td", "th", "/td", "/th"), _Writer.cell),
    **dict.fromkeys(("ul", "ol"), _Writer.begin_list),
    **dict.fromkeys(("/ul", "/ol"), _Writer.end_list),
    "li": _Writer.item,
    "/li": _Writer.line,
    "br": _Writer.line_break,
    "hr": _Writer.rule,
    "img": _Writer.image,
    "a": _Writer.begin_link,
    "/a": _Writer.end_link,
}
