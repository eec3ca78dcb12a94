"""Names on the map that make room for each other: a script, since only the browser knows how large things are."""

import streamlit as st

SCRIPT = """<script>
(() => {
  const CLOSE = 1.3;  // of the map's 2.1 units in view: nearer than this the names of small regions come out
  const STAR = 11;  // half the width of a star
  const clash = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const inside = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
  const stars = (plot) => {  // where no name may lie: what was found, what is recommended
    const { xaxis, yaxis } = plot._fullLayout ?? {};
    if (!xaxis?.l2p || !yaxis?.l2p) return [];
    const { left, top } = plot.getBoundingClientRect();
    return (plot._fullData ?? []).filter((trace) => trace.meta === "clear of names").flatMap((trace) =>
      Array.from(trace.x, (x, i) => {
        const across = left + xaxis._offset + xaxis.l2p(x), down = top + yaxis._offset + yaxis.l2p(trace.y[i]);
        return { left: across - STAR, right: across + STAR, top: down - STAR, bottom: down + STAR };
      }));
  };
  const arrange = () => {
    for (const plot of document.querySelectorAll(".st-key-map .js-plotly-plot")) {
      const range = plot.layout?.xaxis?.range ?? [-1, 1];
      const close = Math.abs(range[1] - range[0]) < CLOSE;
      const area = (plot.querySelector(".nsewdrag") ?? plot).getBoundingClientRect();
      const taken = [...plot.querySelectorAll(".modebar-group")].map((tools) => tools.getBoundingClientRect());
      taken.push(...stars(plot));
      for (const name of plot.querySelectorAll("g.annotation")) {
        if (!name.textContent) continue;  // an arrow
        name.dataset.small ??= name.style.opacity === "0" ? "yes" : "no";
        const small = name.dataset.small === "yes";
        const box = name.getBoundingClientRect();
        const shown = (close || !small) && inside(box, area) && !taken.some((other) => clash(box, other));
        name.style.opacity = shown ? "1" : "0";
        if (shown) taken.push(box);
      }
    }
  };
  let asked = 0;
  window.insiderNames?.disconnect();
  window.insiderNames = new MutationObserver(() => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(arrange);
  });
  window.insiderNames.observe(document.body, { childList: true, subtree: true });
  arrange();
})();
</script>"""


def make_room() -> None:
    """Hide names that would lie over another, the edge or the tools; without scripts the large ones all stay."""
    st.html(SCRIPT, unsafe_allow_javascript=True)
