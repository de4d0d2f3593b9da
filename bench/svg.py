"""Plots of lines over a logarithmic axis, as SVG by hand: small, for light and dark pages, the same each time."""

import dataclasses
import math
from html import escape

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 78, 24, 40, 52
# Mid tones, so that the same file can be read on a light and on a dark page.
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #768390 }
  .title { font-weight: 600; font-size: 14px }
  .grid { stroke: #768390; stroke-opacity: 0.3 }
  .line { fill: none; stroke-width: 2 }
  .line.one { stroke: #2f81f7 } .dot.one { fill: #2f81f7 }
  .line.two { stroke: #d4721b } .dot.two { fill: #d4721b }
  .line.three { stroke: #2da44e } .dot.three { fill: #2da44e }
"""
CLASSES = ("one", "two", "three")


@dataclasses.dataclass(frozen=True)
class Panel:
    """One plot: `lines` are {name: [(x, y), ...]}; y begins at 0, x is logarithmic where its values span a decade."""

    title: str
    x_title: str
    y_title: str
    lines: dict


def document(panels):
    """The panels below each other."""
    height = HEIGHT * len(panels)
    body = "\n".join(
        f'<g transform="translate(0 {HEIGHT * number})">\n{_panel(panel)}\n</g>' for number, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img">\n<style>{STYLE}</style>\n{body}\n</svg>\n'
    )


def _panel(panel):
    xs = sorted({x for points in panel.lines.values() for x, _ in points})
    across = _across(xs)
    ticks = y_ticks(max(y for points in panel.lines.values() for _, y in points))

    def down(y):
        return HEIGHT - BOTTOM - y / ticks[-1] * (HEIGHT - TOP - BOTTOM)

    parts = [_text(LEFT, 22, panel.title, "start", "title")]
    for y in ticks:
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(y):.1f}" y2="{down(y):.1f}"/>')
        parts.append(_text(LEFT - 8, down(y) + 4, short(y), "end"))
    for x in xs:
        parts.append(_text(across(x), HEIGHT - BOTTOM + 18, short(x), "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, panel.x_title, "middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    aside = f'transform="translate(16 {middle:.0f}) rotate(-90)" text-anchor="middle"'
    parts.append(f"<text {aside}>{escape(panel.y_title)}</text>")
    for number, (kind, (name, points)) in enumerate(zip(CLASSES, panel.lines.items())):
        path = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in points)
        parts.append(f'<polyline class="line {kind}" points="{path}"/>')
        parts += [f'<circle class="dot {kind}" cx="{across(x):.1f}" cy="{down(y):.1f}" r="3.5"/>' for x, y in points]
        if len(panel.lines) > 1:
            behind = sum(_legend_width(other) for other in list(panel.lines)[number:])
            at = WIDTH - RIGHT - behind
            parts.append(f'<circle class="dot {kind}" cx="{at}" cy="18" r="4"/>' + _text(at + 9, 22, name, "start"))
    return "\n".join(parts)


def _across(xs):
    """Where an x stands. 0 has no logarithm; it stands one step before the first of the others."""
    positive = [x for x in xs if x > 0]
    logarithmic = len(positive) > 1 and positive[-1] >= 10 * positive[0]

    def place(x):
        if not logarithmic:
            return float(x)
        return math.log(x) if x > 0 else math.log(positive[0]) - math.log(positive[1] / positive[0])

    first, last = place(xs[0]), place(xs[-1])
    span = (last - first) or 1.0
    return lambda x: LEFT + 14 + (place(x) - first) / span * (WIDTH - LEFT - RIGHT - 28)


def y_ticks(largest):
    """Four to six round numbers from 0 to at least the largest."""
    if largest <= 0:
        return [0, 1]
    power = 10 ** math.floor(math.log10(largest))
    step = next(power * share for share in (0.2, 0.25, 0.5, 1, 2, 2.5) if largest <= 5 * power * share)
    return [step * number for number in range(math.ceil(largest / step) + 1)]


def short(number):
    """A number as it stands at an axis: 1.5 M, 20 k, 0.1."""
    for scale, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= scale:
            return f"{number / scale:.4g}{letter}"
    return f"{number:.3g}"


def _legend_width(name):
    """Room for a dot, the name and a gap; letters are some 6.5 units wide."""
    return 28 + round(6.5 * len(name))


def _text(x, y, text, anchor, kind=""):
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(str(text))}</text>'
