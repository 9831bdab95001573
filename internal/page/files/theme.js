// Shows the colours that themeButton saved. No module, since those run too late: the page
// would be seen in the other colours first.

try {
  const theme = localStorage.getItem("dummymessenger.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage may be forbidden */ }
