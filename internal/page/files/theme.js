// The colours: as the system has them, or light or dark if the person chose so. No
// module, since those run too late: the page would be seen in the other colours first.

(() => {
  const saved = "dummymessenger.theme"; // themeButton in text.js saves it
  const show = (theme) => {
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  try {
    show(localStorage.getItem(saved));
  } catch { /* storage may be forbidden */ }
})();
