/** Style of the report's page: light and dark as the reader's system is, always light on paper. */
const LIGHT =
  '--paper:#fff;--ink:#1c2733;--soft:#5b6875;--rule:#dbe1e7;--ours:#7a8794;--theirs:#1f6fb2;--limit:#c2410c;--mark:#0f766e;--band:#1f6fb226';
const DARK =
  '--paper:#14191f;--ink:#e4e9ee;--soft:#9aa7b4;--rule:#2f3944;--ours:#8c99a6;--theirs:#6cb2ee;--limit:#fb923c;--mark:#2dd4bf;--band:#6cb2ee33';

export const PAGE_STYLE: string = `
:root{${LIGHT};color-scheme:light dark}
@media screen and (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.5rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-top:1px solid var(--rule);padding-top:1rem}
p{margin:.3rem 0}.soft,figcaption,.how{color:var(--soft);font-size:.85rem}a{color:inherit}
.verdict{display:inline-block;padding:.1rem .6rem;border-radius:.3rem;border:2px solid currentColor}
.PASS{color:var(--mark)}.FAIL,.INVALID{color:var(--limit)}.CONTINUE,.INCONCLUSIVE{color:var(--soft)}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.6rem 0;font-size:.9rem}
th,td{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--rule);vertical-align:top;overflow-wrap:anywhere}
td.n{white-space:nowrap;font-variant-numeric:tabular-nums}
td:first-child{min-width:5.8em}
th{white-space:nowrap;color:var(--soft);font-weight:600}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr));gap:1rem}
figure{margin:0;max-width:40rem}svg{width:100%;height:auto}figcaption{text-align:center}
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}svg .name{fill:var(--ink)}
.grid{stroke:var(--rule);fill:none}.band{fill:var(--band)}
.line-ours,.line-theirs,.line-limit,.line-line{fill:none;stroke-width:1.8}
.line-limit{stroke-dasharray:5 4;stroke:var(--limit)}.line-ours{stroke:var(--ours)}.line-theirs{stroke:var(--theirs)}
.dots-theirs,.dots-line{fill:none;stroke-linecap:round;stroke-width:3.4}.dots-theirs{stroke:var(--theirs);opacity:.45}.dots-line{stroke:var(--mark)}
.fill-ours{fill:var(--ours)}.fill-theirs{fill:var(--theirs)}.fill-limit{fill:var(--limit)}.fill-line{fill:var(--mark)}
@media print{:root{color-scheme:light;font-size:11px}body{max-width:none;padding:0;font-size:1rem}.plots{grid-template-columns:1fr 1fr}
figure,tr{break-inside:avoid}h2{break-after:avoid}article+article{break-before:page}*{print-color-adjust:exact}}
`;
