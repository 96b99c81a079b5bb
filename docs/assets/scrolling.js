// Boxes that scroll sideways can be reached and moved with the keyboard. The theme takes
// this from a box that does not scroll at the moment, and gives it back too late, or never
// where there is no mouse; so it is put back at once.
window.addEventListener("load", () => {
  const keep = (box) => {
    if (box.getAttribute("tabindex") !== "0") box.setAttribute("tabindex", "0");
  };
  const watcher = new MutationObserver((changes) => {
    for (const change of changes) keep(change.target);
  });
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap, pre > code")) {
    keep(box);
    watcher.observe(box, { attributeFilter: ["tabindex"] });
  }
});
