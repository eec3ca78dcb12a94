"""The picture or tile of the product under the pointer: a script, since Plotly's own card holds nothing but words."""

import streamlit as st

SCRIPT = """<script>
(() => {
  const SIZE = 64, GAP = 6;
  const box = document.getElementById("insider-thumbnail") ?? document.body.appendChild(document.createElement("div"));
  box.id = "insider-thumbnail";
  box.setAttribute("aria-hidden", "true");
  box.style.cssText = `position:fixed;width:${SIZE}px;height:${SIZE}px;border-radius:8px;overflow:hidden;` +
    "z-index:1000;pointer-events:none;font:650 1.6rem sans-serif;place-items:center;display:none";
  const hide = () => { box.style.display = "none"; };
  const tile = ([letter, colour, ink]) => {
    box.replaceChildren(letter);
    box.style.background = colour;
    box.style.color = ink;
  };
  const show = (plot, hover) => {
    const [id, , category, , , address] = hover.points?.[0]?.customdata ?? [];
    const own = plot.layout?.meta?.tiles?.[category];
    if (!id || (!address && !own)) return hide();
    box.dataset.item = id;
    const blank = () => (own ? tile(own) : hide());
    if (address) {
      const image = document.createElement("img");
      image.alt = "";
      image.referrerPolicy = "no-referrer";
      image.style.cssText = "width:100%;height:100%;object-fit:cover";
      image.onerror = blank;
      image.src = address;
      box.replaceChildren(image);
      box.style.background = "white";
    } else blank();
    box.style.display = "grid";
    requestAnimationFrame(() => {  // once Plotly has drawn its card: beside it, on the outer side
      const card = plot.querySelector(".hoverlayer .hovertext")?.getBoundingClientRect();
      const at = card ?? { left: hover.event.clientX, right: hover.event.clientX, top: hover.event.clientY };
      const right = at.right + GAP + SIZE < window.innerWidth;
      box.style.left = `${right ? at.right + GAP : Math.max(at.left - GAP - SIZE, 0)}px`;
      box.style.top = `${Math.max(at.top, 0)}px`;
    });
  };
  const listen = () => {
    const plots = document.querySelectorAll(".st-key-map .js-plotly-plot");
    if (!plots.length) hide();
    for (const plot of plots) {
      if (!plot.on || plot.insiderListens === plot._ev) continue;
      plot.insiderListens = plot._ev;
      plot.on("plotly_hover", (hover) => show(plot, hover));
      plot.on("plotly_unhover", hide);
    }
  };
  let asked = 0;
  window.insiderThumbnails?.disconnect();
  window.insiderThumbnails = new MutationObserver(() => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(listen);
  });
  window.insiderThumbnails.observe(document.body, { childList: true, subtree: true });
  listen();
})();
</script>"""


def show_on_hover() -> None:
    """Show it beside the words of the map's card; without scripts the words alone."""
    st.html(SCRIPT, unsafe_allow_javascript=True)
