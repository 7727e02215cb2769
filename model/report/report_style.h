// The looks of the report's page.
#pragma once

namespace polyscene {

// The colours of lines are Okabe and Ito's ("Color Universal Design", 2008), which colour-blind readers tell apart;
// on dark ground lighter ones of the same hues.
inline constexpr char kReportStyle[] = R"css(
:root { color-scheme: light dark; --ground: #fff; --ink: #1c2126; --soft: #5b6570; --rule: #d9dee3; --panel: #f5f7f9;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7; --c4: #b8860b; --c5: #56b4e9; --c6: #6f4fa3; --c7: #1c2126; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181c; --ink: #e4e8ec; --soft: #9aa5b0; --rule: #323a42;
  --panel: #1c2228; --c0: #5ab0ea; --c1: #f08c4a; --c2: #3ecfa3; --c3: #e59cc5; --c4: #e6b84c; --c5: #9ad5f7;
  --c6: #b79be6; --c7: #e4e8ec; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--ground); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0.5rem 0 0.1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.6rem; padding-bottom: 0.2rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.2rem 0 0.4rem; overflow-wrap: anywhere; }
p { margin: 0.3rem 0 0.6rem; max-width: 46rem; }
.soft { color: var(--soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 0.5rem; margin: 1rem 0; padding: 0; }
.facts div { background: var(--panel); border-radius: 6px; padding: 0.45rem 0.7rem; }
.facts dt { color: var(--soft); font-size: 0.8rem; }
.facts dd { margin: 0; font-size: 1.05rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 0.8rem; }
figure { margin: 0; background: var(--panel); border-radius: 6px; padding: 0.6rem; break-inside: avoid; min-width: 0; }
figcaption { font-weight: 600; font-size: 0.9rem; overflow-wrap: anywhere; }
svg.chart { display: block; width: 100%; height: auto; }
svg g path { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
svg g.strong path { stroke-width: 2.8; }
svg .dashed, svg g.dashed path { stroke-dasharray: 4 3; }
svg .grid { stroke: var(--rule); fill: none; }
svg .axis { stroke: var(--soft); fill: none; }
svg .mark { fill: var(--soft); font-size: 10px; }
svg.key { flex: none; width: 1rem; height: 0.5rem; margin-right: 0.3rem; vertical-align: middle; }
.legend { font-size: 0.8rem; color: var(--soft); display: flex; flex-wrap: wrap; gap: 0.1rem 0.9rem; overflow-wrap: anywhere; }
.line0 path { stroke: var(--c0); } .line0 circle { fill: var(--c0); }
.line1 path { stroke: var(--c1); } .line1 circle { fill: var(--c1); }
.line2 path { stroke: var(--c2); } .line2 circle { fill: var(--c2); }
.line3 path { stroke: var(--c3); } .line3 circle { fill: var(--c3); }
.line4 path { stroke: var(--c4); } .line4 circle { fill: var(--c4); }
.line5 path { stroke: var(--c5); } .line5 circle { fill: var(--c5); }
.line6 path { stroke: var(--c6); } .line6 circle { fill: var(--c6); }
.line7 path { stroke: var(--c7); } .line7 circle { fill: var(--c7); }
.wide { overflow-x: auto; }
.wide + .wide { margin-top: 1rem; }
table { border-collapse: collapse; font-size: 0.87rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.22rem 0.7rem 0.22rem 0; border-bottom: 1px solid var(--rule); vertical-align: top;
  white-space: nowrap; }
td.path { white-space: normal; }
th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; }
tr.all td { font-weight: 600; }
td.best { font-weight: 700; color: var(--c2); }
td.best::after { content: " \2605"; }
pre { background: var(--panel); border-radius: 6px; padding: 0.7rem; overflow-x: auto; font-size: 0.8rem; line-height: 1.4;
  white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
.path { overflow-wrap: anywhere; }
details summary { cursor: pointer; }
@media (max-width: 32rem) { body { padding: 0.6rem; font-size: 14px; } }
@media print { :root { --ground: #fff; --ink: #000; --soft: #444; --rule: #bbb; --panel: #fff; --c0: #0072b2; --c1: #d55e00;
  --c2: #009e73; --c3: #cc79a7; --c4: #b8860b; --c5: #56b4e9; --c6: #6f4fa3; --c7: #000; }
  body { max-width: none; padding: 0; font-size: 10pt; } figure { border: 1px solid var(--rule); }
  .charts { grid-template-columns: repeat(2, 1fr); } .wide { overflow: visible; } h2, h3 { break-after: avoid; }
  tr { break-inside: avoid; } }
)css";

}  // namespace polyscene
