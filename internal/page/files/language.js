// Shows the docs in the language that was chosen on any page, unless the address names one. No
// module, since those run too late: the page would be seen in the other language first.

try {
  const language = localStorage.getItem("dummymessenger.language");
  const other = { en: "ru", ru: "en" }[document.documentElement.lang];
  if (language === other && !new URLSearchParams(location.search).has("lang")) location.replace(`docs?lang=${other}${location.hash}`);
} catch { /* storage may be forbidden */ }
