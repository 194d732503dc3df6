# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a training study's report as files that a page can show: its curves as one SVG that follows the reader's light or
dark theme, its channel maps as one PNG each.

Run: python tests/studies/page_figures.py REPORT/index.html OUT_FOLDER NAME
"""
import base64
import pathlib
import re
import sys

report, out, name = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"), pathlib.Path(sys.argv[2]), sys.argv[3]
out.mkdir(parents=True, exist_ok=True)
WIDTH, HEIGHT, GAP, KEY = 380, 230, 14, 26

runs = re.findall(r'<svg viewBox="0 0 34 10"><path class="(line\d)" d="M0 5L34 5"/></svg> ([^<]+)</span>', report)
panels = re.findall(r'(<svg viewBox="0 0 380 230".*?</svg>)', report, re.S)
style = re.search(r"<style>(.*?)</style>", report, re.S).group(1)
light, dark = (dict(re.findall(r"--(\w+):\s*([^;}\s]+)", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S))
rules = ("text { fill:var(--text); font-size:12px } .title { font-size:13px } .axis { fill:var(--soft); font-size:11px }\n"
         ".grid { stroke:var(--line) } .page { fill:var(--page) } .box { fill:var(--box) } path { fill:none; stroke-width:1.8 }\n"
         + "\n".join(re.findall(r"\.line\d \{.*?\}", style)))


def coloured(colours):
    return re.sub(r"var\(--(\w+)\)", lambda use: colours[use.group(1)], rules)


parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH + GAP} {KEY + len(panels) // 2 * (HEIGHT + GAP)}" '
         'font-family="system-ui,-apple-system,Segoe UI,Roboto,DejaVu Sans,sans-serif">',
         "<style>", coloured(light), "@media (prefers-color-scheme: dark) {", coloured(dark), "}", "</style>",
         '<rect class="page" width="100%" height="100%"/>']
for at, (line, run) in enumerate(runs):
    parts.append(f'<path class="{line}" d="M{8 + 130 * at} 13h34"/><text x="{48 + 130 * at}" y="17">{run}</text>')
for at, panel in enumerate(panels):
    x, y = at % 2 * (WIDTH + GAP), KEY + at // 2 * (HEIGHT + GAP)
    inside = re.sub(r"^<svg[^>]*>|</svg>$", "", panel)
    parts.append(f'<g transform="translate({x} {y})"><rect class="box" width="{WIDTH}" height="{HEIGHT}" rx="6"/>{inside}</g>')
(out / f"{name}-curves.svg").write_text("\n".join(parts + ["</svg>", ""]), encoding="utf-8")

maps = re.findall(r'<img alt="Mean magnitude by checkpoint and channel" src="data:image/png;base64,([^"]+)"', report)
for (_, run), picture in zip(runs, maps, strict=True):
    (out / f"{name}-channels-{run.lower()}.png").write_bytes(base64.b64decode(picture))
