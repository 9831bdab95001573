// What the pages say, in English and in Russian.

const texts = {
  en: {
    pages: "Pages", status: "Status", api: "API", messenger: "Messages", other: "Русский", themeSystem: "Colours: as the system", themeLight: "Colours: light", themeDark: "Colours: dark", title: "DummyMessenger", statusTitle: "Status · DummyMessenger",
    messages: "Messages", older: "Show older messages", olderFailed: "Older messages could not be loaded. Try again", beginning: "This is where the log begins.", empty: "No messages yet. Write the first one.",
    compose: "Write a message", name: "Your name", namePlaceholder: "for example, Anna", text: "Message", textPlaceholder: "Write a message…", send: "Send",
    hint: "Enter sends, Shift+Enter begins a new line", showAll: "Show all of it", showLess: "Show less",
    connecting: "Connecting…", live: "Live", lost: "Connection lost", paused: "Paused",
    statusTrouble: (why) => `The server does not tell its status: ${why}.`,
    lostTrouble: "Connection lost. Reconnecting; you won't miss anything.",
    refusedTrouble: (why) => `The server shows no messages at present: ${why}. Trying again.`,
    anew: "The log on the server is not the one shown before; this page has begun anew.",
    tokenTitle: "This server needs a token", tokenWhy: "Whoever runs it can give you one. It is kept until you close this tab.",
    tokenWrong: "The server does not know this token.", token: "Token", tokenUse: "Use it",
    nameMissing: "Enter your name first.", nameLong: (n) => `The name has ${n} characters; at most 64 are allowed.`,
    textMissing: "Write something first.", textLong: (n) => `The text has ${n} characters; at most 4096 are allowed.`,
    retrying: ({ why, n, tries, seconds }) => `No confirmation yet: ${why}. Try ${n} of ${tries} in ${seconds} s; nothing is stored twice.`,
    stop: "Stop trying", noAnswer: "the server does not answer", stopped: "you stopped the attempt",
    unknown: (why) => `It is not known whether the message was stored: ${why}. Send it again as it is, and it will not be stored twice.`,
    foreign: (what) => `a log-in page or a proxy answered instead of the messenger (${what}); if you have to log in, do it in another tab`, redirection: "redirection",
    notStored: (why) => `Not sent: ${why}`, serverSays: (status) => `the server answered with status ${status}`,
    problems: {},
    replica: "Replica", version: "Version", uptime: "Running for", database: "Database", connections: "Open connections", refused: (n) => `${n} refused`,
    watchers: "Watching", queue: "Waiting to be stored", lastSeq: "Newest stored here",
    throughput: "Messages per second", latency: "Latency, ms", batch: "Messages per transaction", now: "now", mean: "mean", max: "max",
    answered: "answered", failed: "failed", ago: (duration) => `${duration} ago`,
    statusNote: "At most the last five minutes of this replica, as it counts them. Latency is the time from a request's headers to its answer, estimated from a histogram.",
    duration: { day: "d", hour: "h", minute: "min", second: "s" },
  },
  ru: {
    pages: "Страницы", status: "Состояние", api: "API", messenger: "Сообщения", other: "English", themeSystem: "Тема: как в системе", themeLight: "Тема: светлая", themeDark: "Тема: тёмная", title: "DummyMessenger", statusTitle: "Состояние · DummyMessenger",
    messages: "Сообщения", older: "Показать более ранние", olderFailed: "Более ранние сообщения не загрузились. Повторить", beginning: "Начало журнала.", empty: "Сообщений пока нет. Напишите первое.",
    compose: "Написать сообщение", name: "Ваше имя", namePlaceholder: "например, Анна", text: "Сообщение", textPlaceholder: "Напишите сообщение…", send: "Отправить",
    hint: "Enter — отправить, Shift+Enter — новая строка", showAll: "Показать целиком", showLess: "Свернуть",
    connecting: "Соединение…", live: "На связи", lost: "Связь потеряна", paused: "Приостановлено",
    statusTrouble: (why) => `Сервер не сообщает своё состояние: ${why}.`,
    lostTrouble: "Связь потеряна. Восстанавливаем — вы ничего не пропустите.",
    refusedTrouble: (why) => `Сервер сейчас не показывает сообщения: ${why}. Пробуем снова.`,
    anew: "Журнал на сервере не тот, что был показан раньше; страница загружена заново.",
    tokenTitle: "Этому серверу нужен токен", tokenWhy: "Его может дать тот, кто запустил сервер. Токен хранится, пока открыта эта вкладка.",
    tokenWrong: "Сервер не принял этот токен.", token: "Токен", tokenUse: "Использовать",
    nameMissing: "Сначала введите имя.", nameLong: (n) => `В имени ${n} знаков, а можно не больше 64.`,
    textMissing: "Сначала напишите что-нибудь.", textLong: (n) => `В тексте ${n} знаков, а можно не больше 4096.`,
    retrying: ({ why, n, tries, seconds }) => `Подтверждения пока нет: ${why}. Попытка ${n} из ${tries} через ${seconds} с; дважды ничего не сохранится.`,
    stop: "Прекратить попытки", noAnswer: "сервер не отвечает", stopped: "отправка прервана вами",
    unknown: (why) => `Неизвестно, сохранено ли сообщение: ${why}. Отправьте его ещё раз без изменений: дважды оно не сохранится.`,
    foreign: (what) => `вместо мессенджера ответила страница входа или прокси-сервер (${what}); если нужно войти, сделайте это в другой вкладке`, redirection: "перенаправление",
    notStored: (why) => `Не отправлено: ${why}`, serverSays: (status) => `сервер ответил кодом ${status}`,
    problems: { // by the last part of the type; what is not here is shown as the server says it
      "overloaded": "сервер перегружен; попробуйте через минуту",
      "database-unavailable": "база данных сейчас недоступна; попробуйте через минуту",
      "database-unwritable": "база данных сейчас не принимает сообщения; попробуйте позже",
      "too-many-connections": "у сервера слишком много соединений; попробуйте через минуту",
      "stopping": "сервер останавливается; откройте другой или попробуйте через минуту",
      "internal": "непредвиденная ошибка на сервере",
    },
    replica: "Реплика", version: "Версия", uptime: "Работает", database: "База данных", connections: "Открытых соединений", refused: (n) => `отказано: ${n}`,
    watchers: "Читателей на связи", queue: "В очереди на запись", lastSeq: "Последнее сохранённое здесь",
    throughput: "Сообщений в секунду", latency: "Задержка, мс", batch: "Сообщений в транзакции", now: "сейчас", mean: "в среднем", max: "максимум",
    answered: "с ответом", failed: "с ошибкой", ago: (duration) => `${duration} назад`,
    statusNote: "Последние пять минут, не больше, по подсчётам самой реплики. Задержка — время от заголовков запроса до ответа, оценка по гистограмме.",
    duration: { day: "д", hour: "ч", minute: "мин", second: "с" },
  },
};

const saved = "dummymessenger.language";

let language = remembered(saved) ?? (navigator.languages.find((l) => /^(en|ru)\b/i.test(l)) ?? "en").slice(0, 2).toLowerCase();
if (!(language in texts)) language = "en";

// text is the text of this name in the language that is chosen.
export const text = (name) => texts[language][name];

// apply puts texts into the elements below root that ask for one.
export function apply(root = document) {
  document.documentElement.lang = language;
  for (const e of root.querySelectorAll("[data-text]")) e.textContent = text(e.dataset.text);
  for (const e of root.querySelectorAll("[data-label]")) e.setAttribute("aria-label", text(e.dataset.label));
  for (const e of root.querySelectorAll("[data-title]")) e.title = text(e.dataset.title);
  for (const e of root.querySelectorAll("[data-placeholder]")) e.placeholder = text(e.dataset.placeholder);
}

// languageButton makes button change the language, and calls changed after it.
export function languageButton(button, changed) {
  const label = () => {
    button.textContent = text("other");
    button.lang = language === "en" ? "ru" : "en";
  };
  label();
  button.addEventListener("click", () => {
    language = language === "en" ? "ru" : "en";
    remember(saved, language);
    apply();
    label();
    changed();
  });
}

// languageLink is for a page in one language, which is the document's: link leads to it in the
// other one, and chooses that for all pages.
export function languageLink(link) {
  language = document.documentElement.lang;
  link.addEventListener("click", () => {
    remember(saved, link.hreflang);
    link.hash = location.hash;
  });
}

const savedTheme = "dummymessenger.theme"; // theme.js reads it

// themeButton makes button change the colours, in all windows: the system's, light, dark.
export function themeButton(button) {
  const root = document.documentElement;
  const next = { system: "light", light: "dark", dark: "system" };
  const chosen = () => root.dataset.theme ?? "system";
  const label = () => {
    button.dataset.label = button.dataset.title = { system: "themeSystem", light: "themeLight", dark: "themeDark" }[chosen()];
    apply(button.parentElement);
  };
  const choose = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
    label();
  };
  label();
  button.addEventListener("click", () => {
    choose(next[chosen()]);
    remember(savedTheme, chosen());
  });
  window.addEventListener("storage", ({ key, newValue }) => { if (key === savedTheme) choose(newValue); });
}

// Storage may be forbidden; then nothing is remembered.
export function remembered(key, storage = "localStorage") {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

export function remember(key, value, storage = "localStorage") {
  try {
    window[storage].setItem(key, value);
  } catch { /* see above */ }
}

const formats = new Map();

function format(name, make) {
  const key = language + name;
  if (!formats.has(key)) formats.set(key, make());
  return formats.get(key);
}

export const number = (n, digits = 0) =>
  format("number" + digits, () => new Intl.NumberFormat(language, { maximumFractionDigits: digits })).format(n);

// day and time are a moment in local time, in two parts.
export function day(d) {
  const year = d.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return format("day" + year, () => new Intl.DateTimeFormat(language, { year, month: "long", day: "numeric", weekday: "long" })).format(d);
}

export const time = (d) => format("time", () => new Intl.DateTimeFormat(language, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
})).format(d);

// exactDate has everything.
export const exactDate = (d) => format("exact", () => new Intl.DateTimeFormat(language, {
  dateStyle: "full", timeStyle: "long",
})).format(d);

const plurals = {
  en: {
    all: { one: (n) => `${n} message`, other: (n) => `${n} messages` },
    new: { one: (n) => `${n} new message`, other: (n) => `${n} new messages` },
  },
  ru: {
    all: {
      one: (n) => `${n} сообщение`, few: (n) => `${n} сообщения`,
      many: (n) => `${n} сообщений`, other: (n) => `${n} сообщения`,
    },
    new: {
      one: (n) => `${n} новое сообщение`, few: (n) => `${n} новых сообщения`,
      many: (n) => `${n} новых сообщений`, other: (n) => `${n} нового сообщения`,
    },
  },
};

const plural = (what, n) => plurals[language][what][format("plural", () => new Intl.PluralRules(language)).select(n)](number(n));

export const allMessages = (n) => plural("all", n);
export const newMessages = (n) => plural("new", n);

const ordinals = { one: "st", two: "nd", few: "rd", other: "th" };

// nth is the count of a sender's message in two parts: the ordinal, and what is counted.
export function nth(n) {
  if (language === "ru") return [`${number(n)}-е`, " сообщение"];
  return [number(n) + ordinals[format("ordinal", () => new Intl.PluralRules("en", { type: "ordinal" })).select(n)], " message"];
}
