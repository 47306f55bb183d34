// Inside Streamlit's own page, before anything else of it is loaded: a link to runs that a phone opens shows the board alone.

(() => {
  const asked = new URLSearchParams(location.search);
  const runs = asked.get("run");
  const phone = screen.width <= 768 && matchMedia("(pointer: coarse)").matches; // the page has no width yet
  const lab = location.hash === "#lab"; // "Open in the lab"
  try {
    // A tab that has once shown the lab stays with it.
    if (phone && !lab && !sessionStorage.rglLab && runs && !asked.has("lesson") && location.pathname.endsWith("/")) {
      window.stop();
      location.replace(`board?run=${encodeURIComponent(runs)}`);
      return;
    }
    sessionStorage.rglLab = "1";
  } catch {
    // a browser that keeps nothing shows the lab
  }
  if (lab) history.replaceState(null, "", location.pathname + location.search);
})();
