import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, Unreachable } from './api';
import { askOnce, Socket, socketUrl, type SocketLike, type SocketState } from './socket';

class FakeSocket implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  sent: Array<{ endpoint: string; data: unknown; request_id: string; token: string }> = [];
  closed = false;
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  open() {
    this.onopen?.(undefined as never);
  }
  drop() {
    this.onclose?.(undefined as never);
  }
  receive(frame: unknown) {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }
}

let sockets: FakeSocket[];
let socket: Socket;
let states: SocketState[];

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  states = [];
  socket = new Socket({
    url: 'ws://rushes.test/ws',
    token: 'TOKEN',
    random: () => 1,
    timeoutMs: 8000,
    connect: () => {
      const fake = new FakeSocket();
      sockets.push(fake);
      return fake;
    },
  });
  socket.onState((state) => states.push(state));
});

afterEach(() => {
  socket.close();
  vi.useRealTimers();
});

const last = () => sockets.at(-1)!;

describe('requests', () => {
  it('pairs answers with requests by id, in whatever order they come', async () => {
    last().open();
    const first = socket.request('rushes/time', { t0: 1 });
    const second = socket.request('/get/user', {});
    const [a, b] = last().sent;
    expect(a).toEqual({
      endpoint: 'rushes/time',
      data: { t0: 1 },
      request_id: a!.request_id,
      token: 'TOKEN',
    });
    expect(a!.request_id).not.toBe(b!.request_id);
    last().receive({ request_id: b!.request_id, data: 'second' });
    last().receive({ request_id: a!.request_id, data: 'first' });
    expect(await first).toBe('first');
    expect(await second).toBe('second');
  });

  it('rejects with the code of the server and what stands beside it', async () => {
    last().open();
    const request = socket.request('rushes/room/command', {});
    last().receive({
      request_id: last().sent[0]!.request_id,
      error: { code: 650, message: 'stale', fields: null },
      snapshot: { rev: 9 },
    });
    const error = await request.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).code).toBe(650);
    expect((error as ApiError).details.snapshot).toEqual({ rev: 9 });
  });

  it('fails at once while there is no connection, and keeps nothing for later', async () => {
    await expect(socket.request('/ping', {})).rejects.toBeInstanceOf(Unreachable);
    last().open();
    expect(last().sent).toEqual([]);
  });

  it('fails what is under way when the connection drops', async () => {
    last().open();
    const request = socket.request('/ping', {});
    last().drop();
    await expect(request).rejects.toBeInstanceOf(Unreachable);
  });

  it('takes an unanswered request as the end of the connection', async () => {
    last().open();
    const request = socket.request('/ping', {});
    const failed = expect(request).rejects.toBeInstanceOf(Unreachable);
    vi.advanceTimersByTime(8000);
    await failed;
    expect(sockets[0]!.closed).toBe(true);
    expect(socket.state).toBe('reconnecting');
  });

  it('lives through frames that are no answer to anything', () => {
    last().open();
    last().receive('not json');
    last().receive('null');
    last().receive({ request_id: '99', data: {} });
    expect(socket.state).toBe('online');
  });
});

describe('events', () => {
  it('reach their listeners until these leave', () => {
    last().open();
    const seen: unknown[] = [];
    const stop = socket.on('REVIEW_SESSION_STARTED', (data) => seen.push(data));
    last().receive({ event_type: 'REVIEW_SESSION_STARTED', data: { id: 'A' } });
    last().receive({ event_type: 'VIEW', data: { id: 'B' } });
    stop();
    last().receive({ event_type: 'REVIEW_SESSION_STARTED', data: { id: 'C' } });
    expect(seen).toEqual([{ id: 'A' }]);
  });
});

describe('reconnecting', () => {
  it('finds a server that was away for 3 s within 5 s, waiting ever longer up to 2 s', () => {
    last().open();
    last().drop();
    const attempts: number[] = [];
    const start = Date.now();
    while (Date.now() - start < 5000) {
      const before = sockets.length;
      vi.advanceTimersByTime(50);
      if (sockets.length > before) {
        attempts.push(Date.now() - start);
        last().drop();
      }
    }
    expect(attempts).toEqual([250, 750, 1750, 3750]);
    expect(socket.state).toBe('reconnecting');
  });

  it('starts over with short waits after it was online', () => {
    last().open();
    last().drop();
    vi.advanceTimersByTime(250);
    last().open();
    last().drop();
    vi.advanceTimersByTime(250);
    expect(sockets).toHaveLength(3);
    last().open();
    expect(states).toEqual(['online', 'reconnecting', 'online', 'reconnecting', 'online']);
  });

  it('gives up an attempt that hangs', () => {
    last().open();
    last().drop();
    vi.advanceTimersByTime(250);
    vi.advanceTimersByTime(4000);
    expect(sockets[1]!.closed).toBe(true);
    vi.advanceTimersByTime(500);
    expect(sockets).toHaveLength(3);
  });

  it('tries at once when told to hurry', () => {
    last().open();
    last().drop();
    socket.hurry();
    expect(sockets).toHaveLength(2);
    socket.hurry();
    expect(sockets).toHaveLength(2);
  });

  it('ignores what a connection says after it was given up', () => {
    last().open();
    const old = last();
    old.drop();
    vi.advanceTimersByTime(250);
    last().open();
    old.drop();
    expect(socket.state).toBe('online');
    expect(sockets).toHaveLength(2);
  });

  it('stops for good when closed', () => {
    last().open();
    socket.close();
    vi.advanceTimersByTime(10_000);
    expect(sockets).toHaveLength(1);
    expect(sockets[0]!.closed).toBe(true);
    expect(socket.state).toBe('closed');
  });
});

describe('socketUrl', () => {
  it('follows the page', () => {
    expect(socketUrl({ protocol: 'http:', host: 'localhost:8080' })).toBe('ws://localhost:8080/ws');
    expect(socketUrl({ protocol: 'https:', host: 'rushes.test' })).toBe('wss://rushes.test/ws');
  });
});

describe('askOnce', () => {
  const options = {
    url: 'ws://rushes.test/ws',
    token: 'TOKEN',
    connect: () => {
      const fake = new FakeSocket();
      sockets.push(fake);
      return fake;
    },
  };

  it('asks as soon as it is connected, and closes with the answer', async () => {
    const answer = askOnce<{ slate: boolean }>(options, 'rushes/live/slate', { id: '1', on: true });
    last().open();
    await vi.waitFor(() => expect(last().sent).toHaveLength(1));
    const [asked] = last().sent;
    expect(asked).toMatchObject({ endpoint: 'rushes/live/slate', token: 'TOKEN' });
    last().receive({ request_id: asked!.request_id, data: { slate: true } });
    expect(await answer).toEqual({ slate: true });
    expect(last().closed).toBe(true);
  });

  it('fails with what the server says, and where there is no connection, without trying on', async () => {
    // That of the other tests does try on.
    socket.close();
    const refused = askOnce(options, 'rushes/live/slate', {});
    last().open();
    await vi.waitFor(() => expect(last().sent).toHaveLength(1));
    const error = { code: 800, message: 'You may not do this.' };
    last().receive({ request_id: last().sent[0]!.request_id, error });
    await expect(refused).rejects.toThrow('You may not do this.');

    const away = askOnce(options, 'rushes/live/slate', {});
    last().drop();
    await expect(away).rejects.toBeInstanceOf(Unreachable);
    const before = sockets.length;
    vi.advanceTimersByTime(10_000);
    expect(sockets).toHaveLength(before);
    const none = askOnce(
      {
        ...options,
        connect: () => {
          throw new Error('no WebSocket here');
        },
      },
      'rushes/live/slate',
      {},
    );
    await expect(none).rejects.toBeInstanceOf(Unreachable);
  });
});
