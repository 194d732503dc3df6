// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace kurtoscope::commands {

// Light and dark follow the reader's system. Lines: the Okabe–Ito colours, told apart also by their dashes.
inline constexpr const char* paperStyle = R"(
body { font-family:sans-serif; font-size:9pt; color:#1c2128 } h1 { font-size:17pt } h2 { font-size:13pt } h3 { font-size:10pt }
.soft, figcaption { color:#66707c } table { font-size:7.5pt } th,td { padding:2px 6px; text-align:right } th { color:#66707c; font-weight:normal }
.good { color:#0b7a4b } .bad { color:#b3261e } pre { font-size:7pt }
)";

inline constexpr const char* reportStyle = R"(
:root { color-scheme: light dark; --text:#1c2128; --soft:#66707c; --line:#d9dee4; --page:#fff; --box:#f5f7f9;
  --kept:#c75300; --good:#0b7a4b; --bad:#b3261e;
  --l0:#5b6570; --l1:#d55e00; --l2:#0072b2; --l3:#009e73; --l4:#cc79a7; --l5:#b8860b }
@media (prefers-color-scheme: dark) { :root { --text:#e3e7ec; --soft:#97a1ad; --line:#38404a; --page:#14181d; --box:#1c2229;
  --kept:#ff9a4d; --good:#4cc38a; --bad:#ff7b72; --l0:#aab4c0; --l1:#ff8a3d; --l2:#56b4e9; --l3:#35c795; --l4:#e39cc3; --l5:#f0c84b } }
* { box-sizing:border-box }
body { margin:0 auto; max-width:1180px; padding:28px 24px 60px; background:var(--page); color:var(--text);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif }
h1 { font-size:26px; margin:0 } h2 { font-size:18px; margin:36px 0 8px } h3 { font-size:15px; margin:20px 0 4px }
p { margin:4px 0 10px; max-width:78ch } .soft, figcaption { color:var(--soft); font-size:13px }
.scroll { overflow-x:auto } table { border-collapse:collapse; font-size:14px; font-variant-numeric:tabular-nums }
th,td { padding:5px 12px; border-bottom:1px solid var(--line); text-align:right; white-space:nowrap }
th { color:var(--soft); font-weight:500; font-size:13px } th:first-child,td:first-child { text-align:left; padding-left:0; white-space:normal; overflow-wrap:anywhere; min-width:15em }
.view { image-rendering:auto } pre { overflow-x:auto; font-size:12px; background:var(--box); padding:10px } code { font-size:13px }
.facts th,.facts td { text-align:left; white-space:normal } .good { color:var(--good) } .bad { color:var(--bad) }
.tag { border:1px solid var(--line); background:var(--box); border-radius:9px; padding:1px 9px; font-size:12px }
figure { margin:0 0 18px } img { width:100%; height:auto; image-rendering:pixelated; border:1px solid var(--line); display:block }
.bar { display:inline-block; width:160px; height:10px; vertical-align:-1px; margin:0 6px }
.curves { display:grid; grid-template-columns:repeat(auto-fit,minmax(320px,1fr)); gap:14px }
svg { width:100%; background:var(--box); border-radius:6px } svg text { fill:var(--text); font-size:12px }
svg .title { font-size:13px } svg .axis { fill:var(--soft); font-size:11px } svg .grid { stroke:var(--line) }
path { fill:none; stroke-width:1.8 } .key span { display:inline-block; margin-right:18px } .key svg { width:34px; height:10px; background:none }
.line0 { stroke:var(--l0) } .line1 { stroke:var(--l1); stroke-dasharray:7 3 } .line2 { stroke:var(--l2); stroke-dasharray:2 3 }
.line3 { stroke:var(--l3); stroke-dasharray:9 3 2 3 } .line4 { stroke:var(--l4); stroke-dasharray:4 2 } .line5 { stroke:var(--l5); stroke-dasharray:1 2 }
.keptmark { display:inline-block; width:11px; height:11px; border:2px solid #ff7f0e; vertical-align:-1px } details { margin:10px 0 } summary { cursor:pointer }
@media print { details > * { display:block } }
)";

} // namespace kurtoscope::commands
