// The live page: listens to /events and writes what it hears into the document. Texts go in as text, never as HTML.
import { draw } from './chart.js';
import { latency, none, number, percent, sentence, span, spending, states } from './words.js';

const spanMs = 300_000;
/** Between two batches of a slow lane the line goes on; a longer gap is shown as one. */
const bridgeMs = 6_000;
const retryMs = 3_000;
/** No word for this long, and the page says that it is not live any more. */
const silentMs = 6_000;

const byId = (id) => document.getElementById(id);
const cards = new Map();
const histories = new Map();
const lastStates = new Map();
let about;
let source;
let heardAt = 0;
let ended = false;

// ---- the connection

function connect() {
  source?.close();
  source = new EventSource('events');
  source.addEventListener('history', (event) => {
    about = JSON.parse(event.data);
    histories.clear();
    for (const [lane, history] of Object.entries(about.lanes)) histories.set(lane, history);
    ended = false;
    heard();
    setText(byId('service'), about.service);
  });
  source.addEventListener('snapshot', (event) => {
    heard();
    show(JSON.parse(event.data));
  });
  source.addEventListener('end', () => {
    ended = true;
    source.close();
    linkState();
    setTimeout(connect, retryMs);
  });
  source.onerror = () => {
    linkState();
    // A refusal, unlike a lost connection, is not tried again by the browser.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, retryMs);
  };
}

function heard() {
  heardAt = Date.now();
  linkState();
}

function linkState() {
  const live = Date.now() - heardAt < silentMs && !ended;
  const text = live ? 'Live' : ended ? 'The service has stopped; trying again' : 'Connection lost; trying again';
  setText(byId('link'), heardAt === 0 && !ended ? 'Connecting' : text);
  document.body.classList.toggle('stale', !live && heardAt !== 0);
}

// A page in the background costs the service nothing.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') source?.close();
  else connect();
});
setInterval(linkState, 2_000);

// ---- the document

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Text with commands in it: what stands between back-ticks becomes code. */
function setProse(element, text) {
  if (element.dataset.prose === text) return;
  element.dataset.prose = text;
  element.replaceChildren(
    ...text.split('`').map((part, index) => (index % 2 === 0 ? part : make('code', { text: part }))),
  );
}

function make(name, { text, state } = {}) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (state !== undefined) element.dataset.state = state;
  return element;
}

function show({ at, status, checks, lanes, points }) {
  const up = span((at - about.startedAt) / 1_000);
  setText(byId('about'), `${about.instance} · version ${about.version} · up ${up}`);
  showReady(status, checks, lanes);
  showSums(lanes);
  for (const lane of lanes) {
    extend(lane.lane, points[lane.lane]);
    showLane(cardOf(lane.lane), lane, at);
    announce(lane);
  }
}

function showReady(status, checks, lanes) {
  const stuck = lanes.filter(({ state }) => state !== 'consuming' && state !== 'paused');
  const ready = status === 'ready' && stuck.length === 0;
  const badge = byId('ready');
  badge.dataset.tone = ready ? 'ok' : 'bad';
  setText(badge, ready ? 'Ready' : 'Not ready');
  const failing = checks.filter((check) => check.status !== 'ok');
  const section = byId('checks');
  const text = JSON.stringify(failing.map(({ name, reason, advice }) => [name, reason, advice]));
  section.hidden = failing.length === 0;
  if (section.dataset.text === text) return;
  section.dataset.text = text;
  section.replaceChildren(
    ...failing.map(({ name, reason, advice }) => {
      const notice = make('div');
      notice.className = 'notice';
      notice.dataset.tone = 'bad';
      const next = make('p');
      next.className = 'next';
      setProse(next, advice ?? '');
      notice.append(make('p', { text: sentence(`${name}: ${reason ?? 'failing'}`) }), next);
      return notice;
    }),
  );
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
/** A sum of parts of which one is not known is not known. */
const sumOrNone = (values) => (values.some((value) => value === undefined) ? undefined : sum(values));
const backlogOf = ({ depth, pendingRecords }) => (depth === undefined ? undefined : depth + pendingRecords);

function showSums(lanes) {
  const rate = sum(lanes.map(({ recent }) => recent.settledPerSecond));
  setText(byId('sum-rate'), number(rate));
  setText(byId('sum-backlog'), number(sumOrNone(lanes.map(backlogOf))));
  // Lanes drain side by side: the slowest decides.
  const drains = lanes.map(({ drainSeconds }) => drainSeconds);
  setText(byId('sum-drain'), drainWord(drains.some((each) => each === undefined) ? undefined : Math.max(...drains)));
  setText(byId('sum-letters'), number(sumOrNone(lanes.map(({ lettersWaiting }) => lettersWaiting))));
  const stuck = lanes.find(({ state }) => state !== 'consuming' && state !== 'paused');
  document.title = stuck
    ? `${states[stuck.state].word}: ${stuck.lane} – ${about.service}`
    : `${number(rate)}/s – ${about.service}`;
}

const agoWord = (ms) => (ms < 1_500 ? 'just now' : `${span(ms / 1_000)} ago`);
const drainWord = (seconds) => (seconds === 0 ? 'empty' : span(seconds));

function extend(name, points) {
  const history = histories.get(name);
  if (history === undefined || points === undefined) return;
  points.at.forEach((at, index) => {
    if (at <= (history.at.at(-1) ?? 0)) return;
    for (const key of ['at', 'settledPerSecond', 'ageMs', 'backlog']) {
      history[key].push(points[key][index]);
      if (history[key].length > 600) history[key].shift();
    }
  });
}

function cardOf(name) {
  const known = cards.get(name);
  if (known !== undefined) return known;
  const root = byId('lane').content.cloneNode(true).firstElementChild;
  const part = Object.fromEntries([...root.querySelectorAll('[data-is]')].map((each) => [each.dataset.is, each]));
  root.dataset.lane = name;
  root.setAttribute('aria-label', name);
  for (const [state, word] of Object.entries(spending)) {
    part.bar.append(make('span', { state }));
    const entry = make('li', { state, text: word });
    entry.append(make('span', { text: none }));
    part.legend.append(entry);
  }
  setText(part.name, name);
  byId('lanes').append(root);
  cards.set(name, part);
  return part;
}

function showLane(part, lane, now) {
  const { state, reason, advice, recent, since, totals } = lane;
  const { word, tone, means } = states[state];
  part.state.dataset.tone = tone;
  setText(part.state, lane.paused && state !== 'paused' ? `${word}, paused` : word);
  setText(part.since, `for ${span((now - since) / 1_000)}`);
  part.notice.hidden = state === 'consuming' && reason === undefined;
  part.notice.dataset.tone = tone;
  setText(part.reason, sentence(reason ?? means));
  setProse(part.advice, advice ?? '');

  setText(part.rate, number(recent.settledPerSecond));
  const growing = (recent.backlogPerSecond ?? 0) > 1 && lane.drainSeconds !== 0;
  setText(part.backlog, `${number(backlogOf(lane))}${growing ? ' ↑' : ''}`);
  part.backlog.title = growing ? `grows by ${number(recent.backlogPerSecond)} a second` : '';
  setText(part.drain, drainWord(lane.drainSeconds));
  setText(part.age, latency(recent.age?.medianMs));

  showCharts(part, lane, now);
  showTime(part, recent.spentMs);

  setText(part.hand, `${number(lane.pendingRecords)} of ${number(lane.window)}`);
  setText(part.stored, number(totals.created + totals.updated + totals.unchanged + totals.stale + totals.collapsed));
  part.stored.title = ['created', 'updated', 'unchanged', 'stale', 'collapsed']
    .map((name) => `${name} ${number(totals[name])}`)
    .join(', ');
  setText(part.commit, lane.lastCommitAt ? agoWord(now - lane.lastCommitAt) : 'none yet');
  showLetters(part, lane);
}

function showCharts(part, { lane, recent }, now) {
  const history = histories.get(lane);
  if (history === undefined) return;
  const common = { at: history.at, now, spanMs };
  const top = draw(part['rate-chart'], {
    ...common,
    values: smooth(history.settledPerSecond),
    bridgeMs,
    area: true,
    label: `Records a second over the last five minutes, now ${number(recent.settledPerSecond)}`,
  });
  setText(part['rate-top'], top === 0 ? '' : `top ${number(top)}`);
  const slowest = draw(part['age-chart'], {
    ...common,
    values: history.ageMs,
    bridgeMs,
    area: false,
    label: `Milliseconds from arrival to commit over the last five minutes, now ${latency(recent.age?.medianMs)}`,
  });
  setText(part['age-top'], slowest === 0 ? '' : `top ${latency(slowest)}`);
}

/** Batches end in one second or the next: the mean of three seconds is what the eye wants. */
function smooth(values) {
  return values.map((_, index) => {
    const around = values.slice(Math.max(0, index - 2), index + 1);
    return sum(around) / around.length;
  });
}

function showTime(part, spentMs) {
  const all = sum(Object.values(spentMs));
  const said = [];
  Object.keys(spending).forEach((state, index) => {
    const share = all === 0 ? 0 : spentMs[state] / all;
    part.bar.children[index].style.flexBasis = `${share * 100}%`;
    setText(part.legend.children[index].lastElementChild, percent(share));
    said.push(`${spending[state].toLowerCase()} ${percent(share)}`);
  });
  part.bar.setAttribute('aria-label', `Over the last ten seconds: ${said.join(', ')}`);
}

function showLetters(part, lane) {
  const { totals, lettersWaiting, deadLettersBy, deadLetterQueue } = lane;
  const waiting = lettersWaiting === undefined ? '' : `${number(lettersWaiting)} waiting`;
  const since = `${number(totals.deadLettered)} since the start`;
  setText(part.letters, waiting === '' ? since : waiting);
  part.letters.title = since;
  const codes = Object.entries(deadLettersBy).sort(([, a], [, b]) => b - a);
  const text = JSON.stringify(codes);
  part.reasons.hidden = codes.length === 0 && !(lettersWaiting > 0);
  setProse(
    part['letters-next'],
    `In \`${deadLetterQueue}\`. Look at them, with DOMAIN as this service has it: \`inator dlq list --service ${about.service} --type ${lane.lane}\``,
  );
  if (part.codes.dataset.text === text) return;
  part.codes.dataset.text = text;
  part.codes.replaceChildren(
    ...codes.map(([code, count]) => {
      const entry = make('li');
      entry.append(make('code', { text: code }), make('span', { text: `${number(count)} since the start` }));
      return entry;
    }),
  );
}

/** For those who hear the page: changes of state, and nothing that moves every second. */
function announce({ lane, state, reason }) {
  const before = lastStates.get(lane);
  lastStates.set(lane, state);
  if (before === undefined || before === state) return;
  setText(byId('announce'), sentence(`${lane} is ${states[state].word.toLowerCase()}${reason ? `: ${reason}` : ''}`));
}

connect();
