package report

// russianNouns have the forms of 1, 2 and 5, by the English singular.
var russianNouns = map[string][3]string{
	"request":          {"запрос", "запроса", "запросов"},
	"worker":           {"поток", "потока", "потоков"},
	"replica":          {"реплика", "реплики", "реплик"},
	"sender":           {"отправитель", "отправителя", "отправителей"},
	"message":          {"сообщение", "сообщения", "сообщений"},
	"place":            {"место", "места", "мест"},
	"seam":             {"стык", "стыка", "стыков"},
	"time":             {"раз", "раза", "раз"},
	"violation":        {"нарушение", "нарушения", "нарушений"},
	"sentinel":         {"контрольное сообщение", "контрольных сообщения", "контрольных сообщений"},
	"neighbouring seq": {"соседний seq", "соседних seq", "соседних seq"},
	"window":           {"окно", "окна", "окон"},
	"entry":            {"запись", "записи", "записей"},
	"operation":        {"операция", "операции", "операций"},
	"counter":          {"счётчик", "счётчика", "счётчиков"},
	"date":             {"дата", "даты", "дат"},
	"failure":          {"отказ", "отказа", "отказов"},
	"repeat":           {"повтор", "повтора", "повторов"},

	"entry cross-checked":                   {"запись сверена", "записи сверены", "записей сверено"},
	"acknowledged message":                  {"подтверждённое сообщение", "подтверждённых сообщения", "подтверждённых сообщений"},
	"place of an older message in a window": {"место старого сообщения в окнах", "места старых сообщений в окнах", "мест старых сообщений в окнах"},
	"operation in order":                    {"операция по порядку", "операции по порядку", "операций по порядку"},
	"failed request":                        {"отказанный запрос", "отказанных запроса", "отказанных запросов"},
	"request sent again":                    {"повторённый запрос", "повторённых запроса", "повторённых запросов"},
	"message compared with what was sent":   {"сообщение сверено с отправленным", "сообщения сверены с отправленными", "сообщений сверено с отправленными"},

	failedOnes:  {"отказ", "отказа", "отказов"},
	unknownOnes: {"неизвестный", "неизвестных", "неизвестных"},
}

// What English counts by an adjective, which has one form.
const (
	failedOnes  = "failed"
	unknownOnes = "unknown"
)

// russianAnomalies are the names of what is wrong. The checks of the same
// English names are called by what should be.
var russianAnomalies = map[string]string{
	"own message missing": "нет своего сообщения", "own fields altered": "своё сообщение изменено", "own message not last": "своё сообщение не последнее",
	"gap": "пропуск", "disorder": "беспорядок", "window too long": "окно длиннее положенного", "disagreement": "разногласие",
	"duplicate": "повтор", "duplicate seq": "повторный seq", "double append": "двойная запись", "replay differs": "повторный ответ другой",
	"lost write": "потерянная запись", "future read": "чтение из будущего", "aborted read": "чтение отказанного", "garbage read": "чтение того, чего не отправляли",
	"real-time inversion": "нарушен порядок во времени", "counter below 1": "счётчик меньше 1", "counter skipped": "счётчик перескочил",
	"counter repeated": "счётчик повторился", "counter not stored": "счётчик не сохранён", "date decreases": "дата уменьшилась",
	"date outside the operation": "дата вне времени операции",
}

// russian has what the programs say of themselves; russian_verdict.go has what
// the verifier says of a run.
var russian = map[string]string{
	"total time": "общее время", "time of one request": "время одного запроса", "total throughput": "общая пропускная способность",
	"ms": "мс", "/s": "/с", "s": "с", "%s s": "%s с", ", left %s s": ", осталось %s с",
	"first request sent to last answer":         "первый запрос → последний ответ",
	"total time ÷ requests":                     "общее время ÷ число запросов",
	"mean a caller waits, %d at once":           "в среднем ждут ответа, %d сразу",
	"mean a caller waits, from when it was due": "в среднем ждут, считая от срока",
	"answered requests, all replicas together":  "запросы с ответом, все реплики",
	"nothing was answered":                      "ни одного ответа",
	"%s due per second":                         "по плану %s в секунду",
	"run %s, --seed %d":                         "прогон %s, --seed %d",
	"interrupted":                               "прервано",

	"verified": "доказано", "violated": "нарушено", "inconclusive": "не показательно", "not verified": "не проверено",
	"all answers can be true together":                       "все ответы совместимы",
	"the answers cannot all be true":                         "ответы противоречат друг другу",
	"nothing is wrong, but this run could not have shown it": "ошибок нет, но этот прогон и не мог бы их показать",
	"the answers were only counted (--no-verify)":            "ответы только сосчитаны (--no-verify)",
	"because": "потому что", "verdict": "вывод",

	"latency": "ожидание", "service": "обработка", "outcomes": "исходы", "senders": "отправители", "client": "клиент",
	"waits count from when a request was due, service from when it was sent; %s were sent over 1 ms late, %s never": "ожидание — от срока запроса, обработка — от его отправки; с опозданием больше 1 мс отправлено %s, не отправлено вовсе %s",
	"%s answered · %s failed · %s unknown": "с ответом %s · отказов %s · неизвестно %s",
	"%s %s: %s":                            "%s %s: %s",
	"the first one:":                       "первый из них:",
	"tried again: %s":                      "повторных попыток: %s",
	"sent once more after the answer, for a comparison: %s, %s in vain; not in the figures": "отправлено ещё раз после ответа, для сравнения: %s, из них впустую %s; в итоги не входят",
	"%d, each answered %s (%s) to %s (%s) times":                                            "%d, ответов у каждого от %s (%s) до %s (%s)",
	"%s of %d processors busy":                                                              "занято %s из %d процессоров",
	"%s of %d processors busy, connections opened: %s":                                      "занято %s из %d процессоров, открыто соединений: %s",
	"could not keep the rate: too few workers, or the servers' limit; %s":                   "частоту выдержать не удалось: мало потоков или предел серверов; %s",
	"%s of %s workers waiting, %s":                                                          "ждали %s из %s потоков, %s",
	"was a limit, or the run too short: %s of %s workers waiting, %s":                       "был пределом, или прогон слишком короткий: ждали %s из %s потоков, %s",
	"not the limit: %s of %s workers waiting, %s":                                           "не предел: ждали %s из %s потоков, %s",

	"answered": "с ответом", "failed": "отказ", "unknown": "неизвестно", "sent": "отправлено", "ok": "ответ получен",
	"never sent": "не отправлялся", "in flight": "в пути",
	"replica": "реплика", "per second": "в секунду", "mean": "среднее", "sender": "отправитель", "outcome": "исход", "reason": "причина",
	"mean, ms": "среднее, мс", "p99, ms": "p99, мс", "max": "макс.", "p99.9": "p99,9",

	"status": "статус", "not stored": "не сохранено", "timeout": "время вышло", "connection refused": "соединение отклонено",
	"timeout while connecting": "не удалось соединиться за отведённое время", "host name not found": "имя узла не найдено",
	"cannot connect": "не удалось соединиться", "TLS handshake failed": "не удалось согласовать TLS", "certificate not trusted; --ca-file names one that is": "сертификату нет доверия; --ca-file называет тот, которому есть", "sending broke off": "отправка оборвалась",
	"closed before the answer": "соединение закрыто до ответа", "malformed HTTP answer": "ответ не по правилам HTTP", "connection reset": "соединение сброшено",
	"answer cut off": "ответ оборван", "answer of more than 1 MiB": "ответ больше 1 МиБ", "garbled answer": "неразборчивый ответ",

	"What was checked": "Что проверено", "Outcomes": "Исходы", "Replicas": "Реплики", "Senders": "Отправители",
	"Latency percentiles": "Процентили ожидания", "Latency over time": "Ожидание во времени", "Throughput over time": "Пропускная способность во времени",
	"How the log grew": "Как рос журнал", "A closer look": "Вблизи", "The contradiction": "Противоречие", "More contradictions": "Другие противоречия",
	"How the run was done": "Как шёл прогон", "Load test report": "Отчёт о нагрузочном испытании", "Was the client the limit?": "Не клиент ли был пределом?",
	"The figures":                  "Итоги",
	"missing":                      "пропущено",
	"no window":                    "окна нет",
	"own message":                  "своё сообщение",
	"all replicas":                 "все реплики",
	"all senders":                  "все отправители",
	"requests":                     "запросы",
	"warm-up":                      "разогрев",
	"check":                        "проверка",
	"started":                      "начало",
	"run":                          "прогон",
	"seed":                         "зерно",
	"command line":                 "командная строка",
	"system":                       "система",
	"history":                      "запись операций",
	"version":                      "версия",
	"go version":                   "версия Go",
	"%d processors":                "процессоров: %d",
	"The windows of these answers": "Окна этих ответов",
	"What each replica answered, and how long it took, in ms": "Ответы каждой реплики и ожидание их, мс",
	"Requests that were not answered":                         "Запросы без ответа",
	"Answered requests of each sender at each replica":        "Запросы с ответом от каждого отправителя на каждой реплике",
	"that is where replicas that do not agree would show it":  "на них и видно, если реплики не согласны",
	"holds": "выполнено", "broken": "нарушено", "not checked": "не проверено",

	"The requests around the contradiction.":   "Запросы вокруг противоречия.",
	"The requests around the slowest one.":     "Запросы вокруг самого медленного.",
	"A part of the plot above, larger.":        "Часть верхнего графика, крупнее.",
	"Drag to zoom in; double-click shows all.": "Выделите область, чтобы приблизить; двойной щелчок показывает всё.",
	"Each bar is a request, from sent to answered, at the height of the seq that its message got. In a correct log the bars form one narrow band that only rises: no bar lies wholly to the right of one above it.": "Каждая черта — запрос, от отправки до ответа, на высоте seq, который получило его сообщение. В верном журнале черты складываются в одну узкую полосу, которая только растёт: ни одна черта не лежит целиком правее той, что выше.",
	"What these answers show, side by side. Marked cells cannot be true together.":                "Что показали эти ответы, рядом. Отмеченное не может быть верно одновременно.",
	"How long the slowest part of all requests waits. Each step to the right is ten times rarer.": "Сколько ждёт самая медленная доля запросов. Каждое деление вправо — в десять раз реже.",
	"Each point is a request, by when it was sent and how long its answer took.":                  "Каждая точка — запрос: когда отправлен и сколько ждали ответа.",
	"Answered requests in each stretch of %s ms, by replica.":                                     "Запросы с ответом за каждые %s мс, по репликам.",
	"One in %s answered requests is drawn, and the slowest of each %s ms.":                        "Показан один из %s запросов с ответом, и ещё самый медленный за каждые %s мс.",
	"Of %s requests that were not answered, the first %s are drawn.":                              "Из %s запросов без ответа показаны первые %s.",
	"The plots need JavaScript; the tables do not.":                                               "Для графиков нужен JavaScript, для таблиц — нет.",
	"Percentiles of all replicas: %s.":                                                            "Процентили по всем репликам: %s.",
	"%s; the slowest took %s ms; not answered: %s.":                                               "%s; самый медленный — %s мс; без ответа: %s.",
	"%s in %s s, from seq %d to %d; %s.":                                                          "%s за %s с, seq от %d до %d; %s.",
	"From %s to %s per second, on average %s.":                                                    "От %s до %s в секунду, в среднем %s.",
	"show in the plot": "показать на графике",

	"time, s": "время, с", "waited, ms": "ожидание, мс", "seq": "seq", "percentile": "процентиль", "slowest": "самый медленный",
	"worker": "поток", "request": "запрос", "answered after": "ответ через", "closer": "ближе", "farther": "дальше", "earlier": "раньше", "later": "позже",
	"all": "всё", "call": "отправка", "return": "ответ", "violation": "нарушение", "total": "всего", "stored or not: unknown": "сохранено ли, неизвестно",

	"threshold not kept": "порог не выдержан", "%s: too few answers to tell": "%s: слишком мало ответов, чтобы судить",
	"%s: it was %s ms": "%s: было %s мс", "%s: it was %s": "%s: было %s",

	"left": "осталось", "p50 %s · p99 %s ms": "p50 %s · p99 %s мс",
	"%s s  %s answered, %s/s, %s failed, %s unknown":                                        "%s с  с ответом %s, %s/с, отказов %s, неизвестно %s",
	"interrupted: waiting for the requests under way; once more, and what there is is lost": "прервано: жду начатые запросы; ещё раз — и собранное пропадёт",
	"the report is in %s":                          "отчёт в файле %s",
	"no server answers at %s (%s); is it running?": "ни один сервер не отвечает: %s (%s); они запущены?",

	"difference": "разница", "better": "лучше", "worse": "хуже", "%s: %s and %s": "%s: %s и %s",
	"They were not asked to do the same, so neither is better:": "Им задано не одно и то же, так что ни один не лучше:",
	"workers": "потоки", "rate": "частота", "retries": "повторы", "replicas": "реплики", "processors": "процессоры",
}
