import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, Unreachable } from '../api';
import type { SocketState } from '../socket';
import type { Op, RoomState, RoomUser, Snapshot, StateChange } from './protocol';
import { RoomClient } from './roomClient';

const clip: RoomState = {
  epoch: 3,
  rev: 10,
  server_ms: 0,
  effective_ms: 0,
  sync_mode: 'HOST',
  driver: 'H',
  asset_id: 'C1',
  frame: 0,
  fps_num: 25,
  fps_den: 1,
  frames: 250,
  playing: false,
  rate: 1,
  loop: false,
  live_pts: null,
  compare: null,
  live_ceiling_ms: 1000,
  asset_state: null,
};

function user(user_id: string, is_host: boolean): RoomUser {
  const measured = {
    error_ms: null,
    error_frames: null,
    rtt_ms: null,
    buffering: null,
    following: null,
  };
  return { user_id, name: user_id, is_host, is_guest: !is_host, online: true, ...measured };
}

interface Sent {
  endpoint: string;
  data: Record<string, unknown>;
  answer: (data: unknown) => Promise<void>;
  refuse: (code: number, details?: Record<string, unknown>) => Promise<void>;
  lose: () => Promise<void>;
}

class FakeSocket {
  state: SocketState = 'connecting';
  sent: Sent[] = [];
  #events = new Map<string, Set<(data: unknown) => void>>();
  #states = new Set<(state: SocketState) => void>();

  request<T>(endpoint: string, data: object): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = async (run: () => void) => {
        run();
        for (let n = 0; n < 10; n += 1) await Promise.resolve();
      };
      this.sent.push({
        endpoint,
        data: data as Record<string, unknown>,
        answer: (answer) => settle(() => resolve(answer as T)),
        refuse: (code, details = {}) =>
          settle(() => reject(new ApiError({ code, message: `refused ${code}` }, null, details))),
        lose: () => settle(() => reject(new Unreachable())),
      });
    });
  }
  on(type: string, listener: (data: unknown) => void) {
    const listeners = this.#events.get(type) ?? new Set();
    this.#events.set(type, listeners.add(listener));
    return () => listeners.delete(listener);
  }
  onState(listener: (state: SocketState) => void) {
    this.#states.add(listener);
    return () => this.#states.delete(listener);
  }
  become(state: SocketState) {
    this.state = state;
    for (const listener of this.#states) listener(state);
  }
  emit(type: string, data: unknown) {
    for (const listener of this.#events.get(type) ?? []) listener(data);
  }
  get last() {
    return this.sent.at(-1)!;
  }
  get commands() {
    return this.sent.filter(({ endpoint }) => endpoint === 'rushes/room/command');
  }
}

let socket: FakeSocket;
let client: RoomClient;
let refused: ApiError[];
let problems: string[];
let rooms: string[];
let endings: string[];

beforeEach(() => {
  socket = new FakeSocket();
  refused = [];
  problems = [];
  rooms = [];
  endings = [];
  let id = 0;
  client = new RoomClient({
    id: 'R1',
    socket,
    serverNow: () => 5000,
    newId: () => `cmd${(id += 1)}`,
    onChange: () => undefined,
    onRoom: (what) => rooms.push(what),
    onRefused: (error) => refused.push(error),
    onEnded: (ending) => endings.push(ending),
    onProblem: (message) => problems.push(message),
  });
});

async function attend(state: RoomState = clip, host = true, missed: StateChange[] | null = null) {
  socket.become('online');
  const snapshot: Snapshot = {
    id: 'R1',
    state,
    users: [user('H', true), user('G', false)],
    online: 2,
    more: false,
    missed,
    live_delay_ms: null,
    you: { user_id: host ? 'H' : 'G', is_host: host, can_drive: host },
    last_message: 0,
    server_ms: 0,
  };
  await socket.last.answer(snapshot);
  socket.sent = [];
}

function changed(more: Partial<RoomState>) {
  socket.emit('REVIEW_SESSION_STATE_CHANGED', { id: 'R1', state: { ...clip, ...more } });
}

const ack = (rev: number, epoch = 3) => ({ cmd_id: '', epoch, rev, effective_ms: 5100 });
const ops = () => socket.commands.map(({ data }) => [data.op, data.frame]);

describe('attending', () => {
  it('subscribes as soon as there is a connection, and takes the snapshot', async () => {
    expect(client.attending).toBe(false);
    await attend();
    expect(client.attending).toBe(true);
    expect(client.state).toEqual(clip);
    expect(client.you?.can_drive).toBe(true);
    expect(client.users).toHaveLength(2);
  });

  it('subscribes again after an outage and believes the new snapshot, even an older one', async () => {
    await attend();
    socket.become('reconnecting');
    expect(client.attending).toBe(false);
    expect(client.state).toEqual(clip);
    await attend({ ...clip, epoch: 1, rev: 2, frame: 77 });
    expect(client.state?.frame).toBe(77);
  });

  it('keeps an event that overtook the answer to its subscription', async () => {
    socket.become('online');
    changed({ rev: 11, frame: 7 });
    const you = { user_id: 'H', is_host: true, can_drive: true };
    const people = { users: [], online: 0, more: false };
    await socket.last.answer({ id: 'R1', state: clip, ...people, you, server_ms: 0 });
    expect(client.state?.frame).toBe(7);
  });

  it('says why it is not let in, and asks again', async () => {
    vi.useFakeTimers();
    socket.become('online');
    await socket.last.refuse(674);
    expect(refused.map((error) => error.code)).toEqual([674]);
    expect(socket.sent).toHaveLength(1);
    vi.advanceTimersByTime(2000);
    expect(socket.sent).toHaveLength(2);
    client.close();
    vi.useRealTimers();
  });

  it('asks again when it is cut off, unless another window took its place', async () => {
    await attend();
    socket.emit('REVIEW_SESSION_CLOSED', { id: 'R1', reason: 'RESYNC' });
    expect(client.attending).toBe(false);
    expect(socket.last.endpoint).toBe('rushes/room/subscribe');
    await attend();
    socket.emit('REVIEW_SESSION_CLOSED', { id: 'R1', reason: 'REPLACED' });
    expect(socket.sent).toEqual([]);
    expect(endings).toEqual([]);
  });

  it('leaves when it is closed', async () => {
    await attend();
    client.close();
    expect(socket.last.endpoint).toBe('rushes/room/unsubscribe');
    changed({ rev: 11, frame: 5 });
    expect(client.state?.frame).toBe(0);
  });
});

describe('the end of a room', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** What is asked of the server from now on, whatever happens there. */
  function asked() {
    socket.sent = [];
    vi.advanceTimersByTime(60_000);
    socket.become('reconnecting');
    socket.become('online');
    socket.emit('REVIEW_SESSION_STARTED', { id: 'R1' });
    socket.emit('REVIEW_SESSION_UPDATED', { id: 'R1' });
    return socket.sent;
  }

  it.each([
    ['REMOVED', 'removed'],
    ['DELETED', 'deleted'],
  ])(
    'is said once when the subscription is closed as %s, and nothing is asked',
    async (reason, ending) => {
      await attend();
      socket.emit('REVIEW_SESSION_CLOSED', { id: 'R1', reason });
      socket.emit(`REVIEW_SESSION_${reason}`, { id: 'R1' });
      expect(endings).toEqual([ending]);
      expect(client.attending).toBe(false);
      expect(asked()).toEqual([]);
    },
  );

  it.each([
    ['REMOVED', 'removed'],
    ['DELETED', 'deleted'],
  ])('is known from REVIEW_SESSION_%s also by who was not let in', async (event, ending) => {
    socket.become('online');
    await socket.last.refuse(675);
    socket.emit(`REVIEW_SESSION_${event}`, { id: 'R2' });
    expect(endings).toEqual([]);
    socket.emit(`REVIEW_SESSION_${event}`, { id: 'R1' });
    expect(endings).toEqual([ending]);
    expect(asked()).toEqual([]);
  });

  it('is learnt by who was away when it came', async () => {
    await attend();
    socket.become('reconnecting');
    socket.become('online');
    await socket.last.refuse(672);
    expect(endings).toEqual(['gone']);
    expect(refused).toEqual([]);
    expect(asked()).toEqual([]);
  });

  it('overtakes the answer to a subscription', async () => {
    socket.become('online');
    socket.emit('REVIEW_SESSION_REMOVED', { id: 'R1' });
    await socket.last.refuse(672);
    expect([endings, refused]).toEqual([['removed'], []]);
    expect(asked()).toEqual([]);
  });

  it.each([403, 404, 672, 673, 675])(
    'is not to be waited for by asking: after %d only a change of the room is a reason',
    async (code) => {
      socket.become('online');
      await socket.last.refuse(code);
      expect(refused.map((error) => error.code)).toEqual([code]);
      socket.sent = [];
      vi.advanceTimersByTime(60_000);
      expect(socket.sent).toEqual([]);
      socket.emit('REVIEW_SESSION_STARTED', { id: 'R1' });
      expect(socket.sent.map(({ endpoint }) => endpoint)).toEqual(['rushes/room/subscribe']);
      expect(endings).toEqual([]);
      client.close();
    },
  );
});

describe('what the room says', () => {
  it('counts by epoch and revision, not by order of arrival', async () => {
    await attend();
    changed({ rev: 12, frame: 12 });
    changed({ rev: 11, frame: 11 });
    expect(client.state?.frame).toBe(12);
    changed({ epoch: 4, rev: 13, frame: 1 });
    changed({ epoch: 3, rev: 14, frame: 2 });
    expect(client.state?.frame).toBe(1);
  });

  it('of another room does not count', async () => {
    await attend();
    socket.emit('REVIEW_SESSION_STATE_CHANGED', { id: 'R2', state: { ...clip, rev: 99 } });
    expect(client.state?.rev).toBe(10);
  });

  it('changes what this person may do', async () => {
    await attend(clip, false);
    expect(client.you?.can_drive).toBe(false);
    changed({ epoch: 4, rev: 11, sync_mode: 'EVERYONE' });
    expect(client.you?.can_drive).toBe(true);
    changed({ epoch: 5, rev: 12, sync_mode: 'HOST' });
    expect(client.you?.can_drive).toBe(false);
    socket.emit('REVIEW_SESSION_HOSTS_CHANGED', { id: 'R1', host_user_ids: ['G'] });
    expect(client.you).toEqual({ user_id: 'G', is_host: true, can_drive: true });
    expect(client.users.map((one) => one.is_host)).toEqual([false, true]);
    socket.emit('REVIEW_SESSION_USERS_CHANGED', {
      ...{ id: 'R1', users: [user('G', false)], online: 1, more: false },
    });
    expect(client.you?.can_drive).toBe(false);
    expect([client.users.length, client.online, client.more]).toEqual([1, 1, false]);
  });

  const crowd = (...names: string[]) => {
    const users = names.map((name) => user(name, name === 'H'));
    socket.emit('REVIEW_SESSION_USERS_CHANGED', { id: 'R1', users, online: 5000, more: true });
  };
  const names = () => client.users.map((one) => one.user_id);

  it('names some of a crowd, and the others by pages', async () => {
    await attend();
    crowd('H', 'A');
    expect([client.online, client.more]).toEqual([5000, true]);
    const first = client.morePeople();
    const twice = client.morePeople();
    const [one, two] = socket.sent as [Sent, Sent];
    expect([one.endpoint, one.data]).toEqual(['rushes/room/users', { id: 'R1', limit: 100 }]);
    const page = { id: 'R1', users: [user('A', false), user('B', false)], online: 5000 };
    await one.answer({ ...page, more: true });
    await two.answer({ ...page, more: true });
    await Promise.all([first, twice]);
    expect(names()).toEqual(['H', 'A', 'B']);
    crowd('H', 'B');
    expect(names()).toEqual(['H', 'B', 'A']);
    const failed = client.morePeople();
    await socket.last.refuse(900);
    await failed;
    expect([problems, client.more]).toEqual([['refused 900'], true]);
    const last = client.morePeople();
    expect(socket.last.data).toEqual({ id: 'R1', limit: 100, after: 'B' });
    await socket.last.answer({ ...page, users: [user('C', false)], more: false });
    await last;
    expect([names(), client.more]).toEqual([['H', 'B', 'A', 'C'], false]);
    const people = { users: [user('H', true)], online: 1, more: false };
    socket.emit('REVIEW_SESSION_USERS_CHANGED', { id: 'R1', ...people });
    expect(names()).toEqual(['H']);
  });

  it('is passed on when it is about the room itself', async () => {
    await attend();
    socket.emit('REVIEW_SESSION_STARTED', { id: 'R1' });
    socket.emit('REVIEW_SESSION_PLAYLIST_ASSETS_UPDATED', { id: 'R1' });
    socket.emit('REVIEW_SESSION_COMPLETE', { id: 'R2' });
    expect(rooms).toEqual(['phase', 'playlist']);
  });
});

describe('commands', () => {
  it('name the state that their sender saw', async () => {
    await attend();
    client.command({ op: 'PLAY', frame: 0 });
    expect(socket.last.data).toEqual({
      ...{ id: 'R1', cmd_id: 'cmd1', epoch: 3, base_rev: 10 },
      ...{ op: 'PLAY', frame: 0 },
    });
  });

  it('go out one after another, the latest of many seeks only', async () => {
    await attend();
    for (const frame of [1, 2, 3, 4]) client.command({ op: 'SEEK', frame });
    expect(ops()).toEqual([['SEEK', 1]]);
    expect(client.state?.frame).toBe(4);
    await socket.commands[0]!.answer(ack(11, 4));
    changed({ epoch: 4, rev: 11, frame: 1 });
    expect(ops()).toEqual([
      ['SEEK', 1],
      ['SEEK', 4],
    ]);
    expect(client.state?.frame).toBe(4);
  });

  it('keep their order where each matters', async () => {
    await attend();
    const wishes: Op[] = [
      { op: 'PAUSE', frame: 5 },
      { op: 'SEEK', frame: 9 },
      { op: 'PLAY', frame: 9 },
      { op: 'RATE', rate: 2 },
    ];
    for (const op of wishes) client.command(op);
    for (let n = 0; n < 3; n += 1) await socket.commands[n]!.answer(ack(11 + n));
    expect(ops()).toEqual([
      ['PAUSE', 5],
      ['PLAY', 9],
      ['RATE', undefined],
    ]);
  });

  it('are seen at once, and stay seen until the room has said the same', async () => {
    await attend({ ...clip, playing: true });
    client.command({ op: 'PAUSE', frame: 42 });
    expect(client.state).toMatchObject({ playing: false, frame: 42 });
    await socket.last.answer(ack(11));
    expect(client.state).toMatchObject({ playing: false, frame: 42 });
    changed({ rev: 11, frame: 42, playing: false });
    expect(client.state).toMatchObject({ rev: 11, frame: 42 });
    changed({ rev: 12, frame: 7 });
    expect(client.state?.frame).toBe(7);
  });

  it('hold the picture until the room names the moment of a start', async () => {
    await attend();
    client.command({ op: 'PLAY', frame: 3 });
    expect(client.state).toMatchObject({ playing: true, frame: 3, effective_ms: Infinity });
    changed({ rev: 11, frame: 3, playing: true, effective_ms: 5100 });
    await socket.last.answer(ack(11));
    expect(client.state?.effective_ms).toBe(5100);
  });

  it('are said once more when the room had moved on to another epoch', async () => {
    await attend();
    client.command({ op: 'STEP', frame: 6 });
    await socket.last.refuse(650, { snapshot: { ...clip, epoch: 9, rev: 20 } });
    expect(socket.commands).toHaveLength(2);
    expect(socket.last.data).toMatchObject({ epoch: 9, base_rev: 10, op: 'STEP', frame: 6 });
    await socket.last.refuse(650, { snapshot: { ...clip, epoch: 10, rev: 21 } });
    expect(socket.commands).toHaveLength(2);
    expect(client.state).toMatchObject({ epoch: 10, frame: 0 });
  });

  it('are not said again when a host came first, or when they would mean something else', async () => {
    await attend({ ...clip, sync_mode: 'EVERYONE' });
    const stale: Partial<RoomState>[] = [
      { rev: 20, sync_mode: 'EVERYONE' },
      { rev: 21, epoch: 9, sync_mode: 'EVERYONE', asset_id: 'C2' },
      { rev: 22, epoch: 10, sync_mode: 'HOST', asset_id: 'C2' },
    ];
    for (const [n, state] of stale.entries()) {
      client.command({ op: 'SEEK', frame: 6 });
      await socket.last.refuse(650, { snapshot: { ...clip, ...state } });
      expect(socket.commands).toHaveLength(n + 1);
    }
    client.command({ op: 'LOAD', asset_id: 'C3' });
    await socket.last.refuse(650, { snapshot: { ...clip, epoch: 11, rev: 23 } });
    expect(socket.commands).toHaveLength(5);
  });

  it('that waited name what was seen when they were wanted', async () => {
    await attend({ ...clip, sync_mode: 'EVERYONE' });
    client.command({ op: 'RATE', rate: 2 });
    client.command({ op: 'SEEK', frame: 6 });
    changed({ sync_mode: 'EVERYONE', rev: 12, rate: 2 });
    await socket.last.answer(ack(11));
    expect(socket.last.data).toMatchObject({ base_rev: 10, op: 'SEEK' });
  });

  it('that waited are dropped when something else is on show meanwhile', async () => {
    await attend();
    client.command({ op: 'RATE', rate: 2 });
    client.command({ op: 'SEEK', frame: 6 });
    await socket.commands[0]!.answer(ack(11));
    expect(socket.commands).toHaveLength(2);
    client.command({ op: 'STEP', frame: 7 });
    changed({ epoch: 4, rev: 12, asset_id: 'C2' });
    await socket.last.refuse(650, { snapshot: { ...clip, epoch: 4, rev: 12, asset_id: 'C2' } });
    expect(socket.commands).toHaveLength(2);
    expect(client.state).toMatchObject({ asset_id: 'C2', frame: 0 });
  });

  it("that follow a person's own change of clip are meant for it", async () => {
    await attend();
    client.command({ op: 'LOAD', asset_id: 'C2' });
    client.command({ op: 'SEEK', frame: 6 });
    await socket.last.answer(ack(11, 4));
    expect(socket.last.data).toMatchObject({ epoch: 3, op: 'SEEK', frame: 6 });
    await socket.last.refuse(650, { snapshot: { ...clip, epoch: 4, rev: 11, asset_id: 'C2' } });
    expect(socket.last.data).toMatchObject({ epoch: 4, op: 'SEEK', frame: 6 });
  });

  it('that are refused leave no trace, and say why', async () => {
    await attend();
    client.command({ op: 'STEP', frame: 6 });
    await socket.last.refuse(403, { snapshot: clip });
    expect(client.state).toEqual(clip);
    expect(problems).toEqual(['refused 403']);
  });

  it('that were too fast are not complained about', async () => {
    await attend();
    client.command({ op: 'SEEK', frame: 6 });
    await socket.last.refuse(900, { snapshot: clip });
    expect(problems).toEqual([]);
    expect(client.state?.frame).toBe(0);
  });

  it('are not kept over an outage', async () => {
    await attend();
    client.command({ op: 'RATE', rate: 2 });
    client.command({ op: 'PLAY', frame: 6 });
    const [first] = socket.commands;
    socket.become('reconnecting');
    await first!.lose();
    expect(socket.commands).toHaveLength(1);
    client.command({ op: 'PLAY', frame: 6 });
    expect(socket.commands).toHaveLength(1);
    expect(client.state?.playing).toBe(false);
  });
});

describe('coming back', () => {
  /** What the room did while nobody heard of it here. */
  const change = (rev: number, cmd_id: string | null): StateChange => ({
    id: 'R1',
    state: { ...clip, rev },
    cmd_id,
  });

  async function lost() {
    const [command] = socket.commands;
    socket.become('reconnecting');
    await command!.lose();
  }

  it('names what is known, but not the first time', async () => {
    socket.become('online');
    expect(socket.last.data).toEqual({ id: 'R1' });
    await attend();
    changed({ rev: 12 });
    socket.become('reconnecting');
    socket.become('online');
    expect(socket.last.data).toEqual({ id: 'R1', since: 12 });
  });

  it('says that the command under way was lost if the room does not know of it', async () => {
    await attend();
    client.command({ op: 'PAUSE', frame: 6 });
    await lost();
    await attend({ ...clip, rev: 11 }, true, [change(11, 'theirs')]);
    expect(problems).toHaveLength(1);
    expect(socket.commands).toHaveLength(0);
    // Once.
    socket.become('reconnecting');
    await attend({ ...clip, rev: 11 }, true, []);
    expect(problems).toHaveLength(1);
  });

  it.each<[string, StateChange[] | null]>([
    ['carried it out', [change(11, 'cmd1'), change(12, null)]],
    ['does not remember', null],
  ])('says nothing if the room %s', async (_, missed) => {
    await attend();
    client.command({ op: 'PAUSE', frame: 6 });
    await lost();
    await attend({ ...clip, rev: 12 }, true, missed);
    expect(problems).toEqual([]);
  });

  it('says nothing of a command whose outcome was seen', async () => {
    await attend();
    client.command({ op: 'PAUSE', frame: 6 });
    socket.emit('REVIEW_SESSION_STATE_CHANGED', change(11, 'cmd1'));
    await lost();
    await attend({ ...clip, rev: 11 }, true, []);
    client.command({ op: 'PLAY', frame: 6 });
    await socket.last.answer({ cmd_id: 'cmd2', epoch: 3, rev: 12, effective_ms: 0 });
    socket.become('reconnecting');
    await attend({ ...clip, rev: 11 }, true, []);
    expect(problems).toEqual([]);
  });

  it('says nothing of what a room may do without changing', async () => {
    await attend();
    client.command({ op: 'RATE', rate: 1 });
    await lost();
    await attend(clip, true, []);
    expect(problems).toEqual([]);
  });
});
