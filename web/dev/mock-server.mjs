// A stand-in for the server while working on the client: one production, four rooms, two clips and a live source that
// nobody publishes. It keeps nothing. `node dev/mock-server.mjs [port]` serves dist/ and prints the links; `npm run dev`
// proxies to it with RUSHES_URL=http://127.0.0.1:<port>. The clips are made by ffmpeg on the first start.
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { WebSocketServer } from 'ws';

const port = Number(process.argv[2] ?? 8090);
const dist = new URL('../dist/', import.meta.url).pathname;
const folder = join(tmpdir(), 'rushes-mock');
const fps = 25;
const clipFrames = 250;

mkdirSync(folder, { recursive: true });
function clip(name, hue) {
  const path = join(folder, `${name}.mp4`);
  if (existsSync(path)) return path;
  const text = `drawtext=text='%{frame_num}':fontsize=72:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=18:x=60:y=h-150`;
  const source = `mandelbrot=size=1280x720:rate=${fps}:start_scale=0.2,hue=h=${hue}:s=0.7,${text}`;
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', source, '-f', 'lavfi', '-i', 'sine=330:r=48000'],
    ...['-frames:v', String(clipFrames), '-t', String(clipFrames / fps), '-c:v', 'libx264'],
    ...['-preset', 'veryfast', '-g', '25', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
    ...['-movflags', '+faststart', path],
  ]);
  return path;
}
const files = { C1: clip('take-3', 0), C2: clip('take-4', 120) };

const assets = [
  { id: 'L1', name: 'A camera', is_live: true },
  { id: 'C1', name: 'Scene 12 take 3', is_live: false, duration: clipFrames / fps },
  { id: 'C2', name: 'Scene 12 take 4, the long one with the crane', duration: clipFrames / fps },
];
const ago = (hours) => new Date(Date.now() - hours * 3600_000).toISOString();
const common = { group_name: 'A Production', asset_count: assets.length };
const rooms = new Map(
  [
    { id: 'R1', name: 'Dailies, day 14', status: 'STARTED', start_time: ago(1), ...common },
    { id: 'R2', name: 'Cut review, reel 2', status: 'SCHEDULED', start_time: ago(-26), ...common },
    { id: 'R4', name: 'Sound spotting', status: 'DRAFT', start_time: null, ...common },
    { id: 'R3', name: 'Dailies, day 13', status: 'COMPLETE', end_time: ago(27), ...common },
  ].map((room) => [room.id, room]),
);
const users = new Map([
  ['H', { id: 'H', first_name: 'Room', last_name: 'Host', token: 'TH', host: true }],
  ['E', { id: 'E', first_name: 'Film', last_name: 'Editor', token: 'TE', host: true }],
]);
const byToken = (token) => [...users.values()].find((user) => user.token === token);
const usedLinks = new Set();

const now = () => performance.timeOrigin + performance.now();
const states = new Map();
function stateOf(id) {
  if (!states.has(id)) {
    states.set(id, {
      ...{ epoch: 1, rev: 0, effective_ms: now(), sync_mode: 'HOST', driver: null, asset_id: null },
      ...{ frame: 0, fps_num: null, fps_den: null, frames: null, playing: false, rate: 1 },
      ...{ loop: false, live_pts: null, compare: null, asset_state: null },
    });
  }
  return states.get(id);
}

/** The next frame boundary, from which another speed or loop holds. */
function boundary(state, at) {
  if (!state.playing || state.fps_num === null || at <= state.effective_ms) return {};
  const perMs = (state.fps_num / 1000) * state.rate;
  const position = state.frame + (at - state.effective_ms) * perMs;
  const frame = Math.ceil(position);
  const within = state.loop ? frame % state.frames : Math.min(frame, state.frames - 1);
  return { frame: within, effective_ms: at + (frame - position) / perMs };
}

function apply(state, user, { op, frame, asset_id, rate, loop, sync_mode, ...more }) {
  const at = now();
  const live = state.fps_num === null;
  if (op === 'LOAD') {
    const asset = assets.find(({ id }) => id === asset_id);
    const shown = asset.is_live
      ? { fps_num: null, fps_den: null, frames: null, playing: true }
      : { fps_num: fps, fps_den: 1, frames: clipFrames, playing: false };
    Object.assign(state, { asset_id, frame: frame ?? 0, rate: 1, effective_ms: at, ...shown });
    state.compare = null;
    state.epoch += 1;
  } else if (op === 'PLAY') {
    const from = frame >= (state.frames ?? 0) - 1 ? 0 : frame;
    Object.assign(state, { playing: true, frame: from, effective_ms: at + (live ? 0 : 100) });
  } else if (op === 'PAUSE' || op === 'STEP') {
    Object.assign(state, { playing: false, frame, effective_ms: at });
  } else if (op === 'SEEK') {
    Object.assign(state, { frame, effective_ms: at + (state.playing ? 100 : 0) });
  } else if (op === 'RATE') {
    Object.assign(state, boundary(state, at), { rate });
  } else if (op === 'LOOP') {
    Object.assign(state, boundary(state, at), { loop });
  } else if (op === 'COMPARE') {
    const second = { asset_id, frames: clipFrames, fps_num: fps, fps_den: 1 };
    const { layout = 'SIDE', split = 5000, offset = 0 } = more;
    state.compare = asset_id ? { ...second, layout, split, offset } : null;
  } else if (op === 'DRIVE') {
    state.driver = more.user_id ?? user.id;
    state.epoch += 1;
  } else if (op === 'MODE') {
    state.sync_mode = sync_mode;
    state.epoch += 1;
  }
  if (op !== 'DRIVE' && state.driver !== user.id && state.sync_mode === 'HOST') {
    state.driver = user.id;
    state.epoch += 1;
  }
  state.rev += 1;
}

const attending = new Map();
const reports = new Map();
function people(id) {
  const here = new Set([...(attending.get(id) ?? new Map()).values()].map((user) => user.id));
  return [...users.values()].map((user) => ({
    user_id: user.id,
    name: `${user.first_name} ${user.last_name}`,
    is_host: !!user.host,
    is_guest: !user.host,
    online: here.has(user.id),
    ...(reports.get(user.id) ?? { error_ms: null, error_frames: null, rtt_ms: null }),
  }));
}
function listed(id) {
  const all = people(id);
  return { users: all, online: all.filter((user) => user.online).length, more: false };
}
function tell(id, event_type, data) {
  for (const socket of (attending.get(id) ?? new Map()).keys()) {
    socket.send(JSON.stringify({ event_type, data: { ...data, id } }));
  }
}
setInterval(() => {
  for (const id of attending.keys()) {
    tell(id, 'REVIEW_SESSION_USERS_CHANGED', listed(id));
  }
}, 1000);

const said = new Map();
function say({ id, cmd_id, text }, user) {
  const messages = said.get(id) ?? [];
  said.set(id, messages);
  const name = `${user.first_name} ${user.last_name}`;
  const more = { user_id: user.id, name, is_guest: !user.host, cmd_id, text };
  const message = { seq: messages.length + 1, at_ms: Date.now(), ...more };
  messages.push(message);
  tell(id, 'REVIEW_SESSION_CHAT', message);
  return { cmd_id, seq: message.seq, at_ms: message.at_ms };
}
function history({ id, before = Infinity, after = 0, limit = 50 }) {
  const all = (said.get(id) ?? []).filter(({ seq }) => seq < before && seq > after);
  return {
    id,
    messages: after ? all.slice(0, limit) : all.slice(-limit),
    more: all.length > limit,
  };
}

const strokes = new Map();
function draw({ id, stroke_id, from, points, done, ...more }, user) {
  const stroke = strokes.get(stroke_id) ?? { ...more, stroke_id, user_id: user.id, points: [] };
  strokes.set(stroke_id, stroke);
  stroke.points.push(...points.slice(stroke.points.length - 2 * from));
  const part = { ...stroke, from, points, done, kept: false };
  tell(id, 'REVIEW_SESSION_STROKES', { whole: false, strokes: [part] });
  return { stroke_id, points: stroke.points.length / 2 };
}
function erase({ id, stroke_ids, whose, asset_id, frame }, user) {
  const gone = [...strokes.values()].filter((stroke) =>
    stroke_ids
      ? stroke_ids.includes(stroke.stroke_id)
      : (whose === 'ALL' || stroke.user_id === user.id) &&
        (!asset_id || (stroke.asset_id === asset_id && stroke.frame === frame)),
  );
  const ids = gone.map(({ stroke_id }) => stroke_id);
  ids.forEach((one) => strokes.delete(one));
  tell(id, 'REVIEW_SESSION_STROKES_ERASED', { stroke_ids: ids, by: user.id });
  return { stroke_ids: ids };
}

class Refusal extends Error {
  constructor(status, code, message, snapshot) {
    super(message);
    Object.assign(this, { status, code, snapshot });
  }
}
const snapshot = (id) => ({ ...stateOf(id), server_ms: now() });

function signIn(endpoint, data) {
  if (endpoint === '/authenticate/user/onetimetoken') {
    const id = { HOST: 'H', EDITOR: 'E' }[data.onetimetoken.replace(/\d+$/, '')];
    if (!id || usedLinks.has(data.onetimetoken)) throw new Refusal(401, 405, 'Invalid token');
    usedLinks.add(data.onetimetoken);
    return users.get(id);
  }
  if (data.review_session_user_id !== 'GUEST') throw new Refusal(401, 405, 'Invalid token');
  const id = `G${users.size}`;
  const guest = { id, first_name: data.firstname, last_name: data.lastname, token: `T${id}` };
  users.set(id, guest);
  return guest;
}

function command(data, user) {
  const state = stateOf(data.id);
  if (data.epoch !== state.epoch) throw new Refusal(409, 650, 'Stale', snapshot(data.id));
  if (state.sync_mode === 'HOST' && !user.host) throw new Refusal(403, 403, 'Only a host may');
  apply(state, user, data);
  const { cmd_id } = data;
  const beside = { state: snapshot(data.id), cmd_id, by: user.id };
  tell(data.id, 'REVIEW_SESSION_STATE_CHANGED', beside);
  return { cmd_id, epoch: state.epoch, rev: state.rev, effective_ms: state.effective_ms };
}

function subscribe(id, user, socket) {
  if (!attending.has(id)) attending.set(id, new Map());
  attending.get(id).set(socket, user);
  const can_drive = !!user.host || stateOf(id).sync_mode === 'EVERYONE';
  const you = { user_id: user.id, is_host: !!user.host, can_drive };
  const all = [...strokes.values()].map((one) => ({ ...one, from: 0, done: true, kept: false }));
  setTimeout(() => tell(id, 'REVIEW_SESSION_STROKES', { whole: true, strokes: all }), 0);
  const last_message = (said.get(id) ?? []).length;
  return { id, state: snapshot(id), ...listed(id), you, last_message, server_ms: now() };
}

function handle(endpoint, data, user, socket) {
  if (endpoint.startsWith('/authenticate/')) return signIn(endpoint, data);
  if (!user) throw new Refusal(401, 405, 'Invalid security token');
  const see = (room) => ({ ...room, is_host: !!user.host, is_owner: user.id === 'H' });
  const room = () => {
    if (!rooms.has(data.id)) throw new Refusal(404, 672, 'Room not found');
    return rooms.get(data.id);
  };
  switch (endpoint) {
    case '/get/user':
      return user;
    case '/get/review_sessions':
      return [...rooms.values()].filter(({ id }) => user.host || id === 'R1').map(see);
    case '/get/review_session':
      return see(room());
    case '/get/review_session/assets':
      return assets;
    case '/start/review_session':
      Object.assign(room(), { status: 'STARTED', start_time: new Date().toISOString() });
      tell(data.id, 'REVIEW_SESSION_STARTED', {});
      return see(room());
    case '/get/asset/file/primary':
      return { id: data.id, asset_id: data.id, url: `/files/${data.id}`, frame_rate: fps };
    case 'rushes/time':
      return { t0: data.t0, t1: now(), t2: now() };
    case 'rushes/room/subscribe':
      return subscribe(room().id, user, socket);
    case 'rushes/room/unsubscribe':
      attending.get(data.id)?.delete(socket);
      return { id: data.id };
    case 'rushes/room/report':
      reports.set(user.id, data);
      return {};
    case 'rushes/room/chat':
      return say(data, user);
    case 'rushes/room/chat/history':
      return history(data);
    case 'rushes/room/draw':
      return draw(data, user);
    case 'rushes/room/erase':
      return erase(data, user);
    case 'rushes/room/point': {
      const { id, asset_id, x = null, y = null } = data;
      const pointers = [{ user_id: user.id, asset_id, x, y }];
      tell(id, 'REVIEW_SESSION_POINTERS', { pointers });
      return {};
    }
    case 'rushes/room/keep': {
      const stroke_ids = [...strokes.keys()];
      tell(data.id, 'REVIEW_SESSION_STROKES_KEPT', { comment_id: 'K', stroke_ids, by: user.id });
      return { comment_id: 'K', stroke_ids };
    }
    case 'rushes/room/command':
      return command(data, user);
  }
  throw new Refusal(400, 400, 'API endpoint does not exist');
}

const errorOf = ({ code = 500, message }) => ({ error: { code, message, fields: null } });
const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

function sendClip(request, response, path) {
  const { size } = statSync(path);
  const [, from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
  const start = Number(from ?? 0);
  const end = Number(to || size - 1);
  response.writeHead(from ? 206 : 200, {
    'Content-Type': 'video/mp4',
    'Accept-Ranges': 'bytes',
    'Content-Length': end - start + 1,
    ...(from ? { 'Content-Range': `bytes ${start}-${end}/${size}` } : {}),
  });
  createReadStream(path, { start, end }).pipe(response);
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://mock');
  if (pathname.startsWith('/files/')) {
    return sendClip(request, response, files[pathname.slice('/files/'.length)]);
  }
  if (pathname.startsWith('/live/whep/')) {
    response.writeHead(409, { 'Retry-After': '2' });
    return response.end(JSON.stringify(errorOf({ code: 404, message: 'Nobody publishes' })));
  }
  if (request.method === 'GET') {
    const path = join(dist, pathname === '/' ? 'index.html' : pathname);
    if (!path.startsWith(dist) || !existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream' });
    return response.end(readFileSync(path));
  }
  let text = '';
  for await (const chunk of request) text += chunk;
  try {
    const user = byToken(request.headers['x-token']);
    const answer = handle(pathname, JSON.parse(text || '{}'), user, null);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
  } catch (error) {
    response.writeHead(error.status ?? 500, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(errorOf(error)));
  }
});

new WebSocketServer({ server, path: '/ws' }).on('connection', (socket) => {
  socket.on('message', (message) => {
    const { endpoint, data, request_id, token } = JSON.parse(message.toString());
    let answer;
    try {
      answer = { request_id, data: handle(endpoint, data, byToken(token), socket) };
    } catch (error) {
      answer = { request_id, ...errorOf(error), snapshot: error.snapshot };
    }
    socket.send(JSON.stringify(answer));
  });
  socket.on('close', () => {
    for (const connections of attending.values()) connections.delete(socket);
  });
});

server.listen(port, '127.0.0.1', () => {
  const page = `http://127.0.0.1:${server.address().port}/`;
  console.log(
    `host   ${page}#/login?token=HOST1&next=/rooms/R1   (HOST1, HOST2, … work once each)`,
  );
  console.log(`guest  ${page}#/guest?u=GUEST&first=Guest&last=One`);
  console.log(`guest  ${page}#/guest?u=GUEST   (asks for a name)`);
});
