"""One line of the table: what was measured, against what, and whether that is enough."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Line:
    """A figure that is judged has bounds; one without them only informs."""

    work: str
    # Wellhead's own figure and the other side's, as people read them.
    wellhead: str
    against: str
    # What is judged: a ratio, or Wellhead's figure itself.
    figure: float
    unit: str = "times"
    must: float | None = None
    aim: float | None = None
    # Whether a larger figure is the better one.
    more_is_better: bool = True

    def met(self):
        """`aim`, `must`, `no`, or nothing where there is no bound."""
        if self.must is None:
            return ""
        if self.aim is not None and self._reaches(self.aim):
            return "aim"
        return "must" if self._reaches(self.must) else "no"

    def _reaches(self, bound):
        return self.figure >= bound if self.more_is_better else self.figure <= bound

    def cells(self):
        """The line as texts, in the order of `HEADINGS`."""
        return (
            self.work, self.wellhead, self.against, number(self.figure, self.unit),
            number(self.must, self.unit), number(self.aim, self.unit), self.met(),
        )


HEADINGS = ("work", "Wellhead", "against", "figure", "must", "aim", "met")


def number(figure, unit):
    """Three digits and the unit."""
    if figure is None:
        return ""
    if figure == 0:
        text = "0"
    elif abs(figure) >= 100:
        text = f"{figure:,.0f}"
    elif abs(figure) >= 10:
        text = f"{figure:.1f}"
    else:
        text = f"{figure:.2f}"
    return f"{text} {unit}".strip()
