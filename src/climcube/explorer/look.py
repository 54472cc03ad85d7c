"""How the explorer looks: the styles of the page, light and dark, and of what is drawn on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from climcube.plots.style import SEAS, THRESH

__all__ = ["DARK", "FIGURE", "LIGHT", "PAGE", "PART", "TABLE", "Paint"]

LIGHT = {
    "ink": "#1c2126", "muted": "#5b6570", "line": "#d5dade", "land": "#b4b8bc", "none": "#f7f9fa",
    "missing": "#dfe3e6", "pending": "#c8d6df", "seas": SEAS, "thresh": THRESH, "now": "#8a4fbf",
    "page": "#ffffff", "soft": "#f3f5f7", "accent": "#1f6f9f", "bad": "#a1121b",
    "bad-soft": "#fdecec", "warn": "#7a4b00", "warn-soft": "#fff4dc", "outline": "#00000000",
}  # fmt: skip
DARK = {
    "ink": "#e6eaee", "muted": "#a3adb7", "line": "#39424b", "land": "#4b535b", "none": "#dfe5e9",
    "missing": "#aab3ba", "pending": "#6d8290", "seas": "#6fb1e0", "thresh": "#5cc795",
    "now": "#c9a2f0", "page": "#14181c", "soft": "#1e242a", "accent": "#6fb1e0", "bad": "#ff9a9a",
    "bad-soft": "#3a1d20", "warn": "#f0c274", "warn-soft": "#33291a", "outline": "#a3adb7",
}  # fmt: skip


def _variables(theme: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in theme.items())


# Of the whole page. Custom properties reach into the shadow roots of widgets.
PAGE = f"""
:root {{ {_variables(LIGHT)} color-scheme: light dark; }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}
html, body {{ background: var(--page); color: var(--ink); margin: 0; }}
body {{ font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }}
"""

# Of every part, inside its shadow root; the fallbacks hold where there is no page of ours.
PART = """
:host { font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  color: var(--ink, #1c2126); }
h1 { font-size: 21px; margin: 0; line-height: 1.25; }
h2 { font-size: 16px; margin: 0; line-height: 1.3; }
p { margin: 2px 0; }
.muted { color: var(--muted, #5b6570); }
.bad { color: var(--bad, #a1121b); background: var(--bad-soft, #fdecec); padding: 8px 12px;
  border-left: 4px solid currentColor; border-radius: 3px; overflow-wrap: anywhere; }
.warn { color: var(--warn, #7a4b00); background: var(--warn-soft, #fff4dc); padding: 8px 12px;
  border-left: 4px solid currentColor; border-radius: 3px; overflow-wrap: anywhere; }
.empty { color: var(--muted, #5b6570); border: 1px dashed var(--line, #d5dade); border-radius: 6px;
  padding: 28px 16px; text-align: center; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; }
.legend span { white-space: nowrap; }
.legend .said { white-space: normal; }
.legend i { display: inline-block; width: 13px; height: 13px; margin-right: 6px;
  border: 1px solid var(--muted, #8a939c); vertical-align: -2px; border-radius: 2px; }
.legend i.line { height: 3px; width: 18px; border: 0; vertical-align: 4px; }
.busy::before { content: ""; display: inline-block; width: 11px; height: 11px; margin-right: 8px;
  border: 2px solid var(--line, #d5dade); border-top-color: var(--accent, #1f6f9f);
  border-radius: 50%; animation: turn 0.9s linear infinite; vertical-align: -1px; }
@keyframes turn { to { transform: rotate(360deg); } }
@media (prefers-reduced-motion: reduce) { .busy::before { animation: none; } }
label, .bk-input-group label { color: var(--muted, #5b6570); }
.bk-input, input[type=text] { color: var(--ink, #1c2126); background: var(--page, #fff);
  border-color: var(--line, #d5dade); }
.bk-btn.bk-btn-default { color: var(--ink, #1c2126) !important; font-size: 13px;
  background: var(--soft, #f3f5f7) !important; border: 1px solid var(--line, #d5dade) !important; }
.bk-btn.bk-btn-default:hover { border-color: var(--accent, #1f6f9f) !important; }
.bk-btn.bk-btn-default.bk-active { background: var(--accent, #1f6f9f) !important;
  color: var(--page, #fff) !important; box-shadow: none !important; }
.noUi-target { background: var(--line, #d5dade); border-color: var(--line, #d5dade); }
.noUi-connect { background: var(--accent, #1f6f9f) !important; }
"""


TABLE = """
:host { min-width: 560px; }
.slick-header-column, .slick-header-columns { background: var(--soft, #f3f5f7) !important;
  color: var(--muted, #5b6570); }
.slick-row, .slick-row.odd, .slick-row.even { background: var(--page, #fff) !important;
  color: var(--ink, #1c2126); }
.slick-row:hover { background: var(--soft, #f3f5f7) !important; cursor: pointer; }
.slick-cell { border-color: var(--line, #d5dade) !important; color: inherit; }
.slick-cell.selected { background: var(--accent, #1f6f9f) !important; color: var(--page, #fff); }
"""


# A figure that was clicked has no frame of dots.
FIGURE = ".bk-Canvas { --outline-width: 0px; }"


class Paint:
    """Which properties of drawn things have which colour of the theme, by its name."""

    def __init__(self) -> None:
        self.items: list[tuple[Any, str, Any]] = []

    def add(self, model: Any, **colours: Any) -> Any:
        """Paint properties now, for light pages; note them for dark ones."""
        for name, colour in colours.items():
            self.items.append((model, name, colour))
            setattr(model, name, _of(LIGHT, colour))
        return model

    def callback(self) -> Any:
        """Return what follows the reader's setting in the browser, now and when it changes."""
        from bokeh.models import CustomJS

        return CustomJS(
            args={
                "models": [m for m, _, _ in self.items], "names": [n for _, n, _ in self.items],
                "light": [_of(LIGHT, c) for _, _, c in self.items],
                "dark": [_of(DARK, c) for _, _, c in self.items],
            },
            code="""
const query = window.matchMedia("(prefers-color-scheme: dark)");
const paint = () => models.forEach((model, i) => {
  const value = query.matches ? dark[i] : light[i];
  if (JSON.stringify(model[names[i]]) !== JSON.stringify(value)) {
    model.setv({[names[i]]: value}, {sync: false});  // a matter of this reader alone
  }
});
query.addEventListener("change", paint);
paint();
""",
        )  # fmt: skip


def _of(theme: dict[str, str], colour: Any) -> Any:
    """Return a colour of a theme, or each of several; what the theme does not name stays."""
    if isinstance(colour, list | tuple):
        return [theme.get(c, c) for c in colour]
    return theme.get(colour, colour)
