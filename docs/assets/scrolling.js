// Boxes that scroll sideways can be reached and moved with the keyboard.
window.addEventListener("load", () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap, pre > code"))
    box.tabIndex = 0;
});
