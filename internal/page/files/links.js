// Addresses in what people wrote.

// An address goes up to what none has, or what would hide or turn around a part of it.
const address = /(?<![\p{L}\p{N}_])https?:\/\/[^\s\p{Cc}\p{Cf}\p{Co}\p{Cn}<>"`\\{}|^]+/giu;

const opening = { ")": "(", "]": "[", "»": "«", "”": "“", "’": "‘" };
const punctuation = /[.,;:!?'*_~…。，、；：！？）」』]/u;

// trim takes off what ends the sentence, not the address: punctuation, and a bracket
// that nothing in it opens.
function trim(found) {
  const counts = {};
  for (const c of found) counts[c] = (counts[c] ?? 0) + 1;
  let end = found.length;
  for (; end > 0; end--) {
    const c = found[end - 1];
    if (c in opening ? counts[c] <= (counts[opening[c]] ?? 0) : !punctuation.test(c)) break;
    counts[c]--;
  }
  return found.slice(0, end);
}

// destination is where an address leads, or null if it leads nowhere, or would show
// another host's name before its own: https://bank.example@evil.example.
function destination(found) {
  const url = URL.canParse(found) ? new URL(found) : null;
  return url && /^https?:$/.test(url.protocol) && !url.username && !url.password ? url : null;
}

// linked is a text as nodes, with its http and https addresses as links.
export function linked(words) {
  const nodes = [];
  let from = 0;
  for (const hit of words.matchAll(address)) {
    const found = trim(hit[0]);
    const url = destination(found);
    if (!url) continue;
    const a = document.createElement("a");
    a.href = url.href;
    a.title = url.href; // with the host in ASCII, where letters of another alphabet look alike
    a.target = "_blank";
    a.rel = "noopener nofollow noreferrer";
    a.dir = "ltr";
    a.textContent = found;
    nodes.push(words.slice(from, hit.index), a);
    from = hit.index + found.length;
  }
  nodes.push(words.slice(from));
  return nodes.filter((node) => node !== "");
}
