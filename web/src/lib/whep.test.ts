import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { retryAfterMs, withStereo } from './liveSession';
import { WhepPlayer, type LiveState } from './whep';

const offer = [
  'v=0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  '',
].join('\r\n');

class FakePeer {
  connectionState = 'new';
  onconnectionstatechange: (() => void) | null = null;
  local: RTCSessionDescriptionInit | null = null;
  remote: RTCSessionDescriptionInit | null = null;
  kinds: string[] = [];
  receivers: Array<{ track: object; jitterBufferTarget: number | null }> = [];
  closed = false;
  bytes = 0;
  addTransceiver(kind: string, init: RTCRtpTransceiverInit) {
    this.kinds.push(`${kind}:${init.direction}`);
    const receiver = { track: { kind }, jitterBufferTarget: null };
    this.receivers.push(receiver);
    return { receiver };
  }
  getReceivers() {
    return this.receivers;
  }
  async createOffer() {
    return { type: 'offer', sdp: offer };
  }
  async setLocalDescription(description: RTCSessionDescriptionInit) {
    this.local = description;
  }
  async setRemoteDescription(description: RTCSessionDescriptionInit) {
    this.remote = description;
  }
  async getStats() {
    return new Map([['in', { type: 'inbound-rtp', bytesReceived: this.bytes }]]);
  }
  close() {
    this.closed = true;
  }
  become(state: string) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

/** One of a browser that does not let six channels be asked for, or not be answered. */
class StereoPeer extends FakePeer {
  constructor(readonly refuses: 'offer' | 'answer') {
    super();
  }
  override async setLocalDescription(description: RTCSessionDescriptionInit) {
    if (this.refuses === 'offer' && description.sdp?.includes('multiopus')) throw new Error('no');
    return super.setLocalDescription(description);
  }
  override async setRemoteDescription(description: RTCSessionDescriptionInit) {
    if (this.local?.sdp?.includes('multiopus')) throw new Error('no');
    return super.setRemoteDescription(description);
  }
}

type Answer = () => Response;
const accepted: Answer = () =>
  new Response('answer', { status: 201, headers: { Location: '/live/session/SECRET' } });

let peers: FakePeer[];
let states: Array<[LiveState, string | null]>;
let requests: Array<{ method: string; url: string; headers: unknown; body: unknown }>;
let answers: Answer[];
let streams: number;
let player: WhepPlayer;
let newPeer: () => FakePeer;
let surround: boolean;

function play() {
  player = new WhepPlayer({
    url: 'http://rushes.test/live/whep/ASSET',
    token: 'TOKEN',
    random: () => 1,
    surround: () => surround,
    onStream: () => (streams += 1),
    onState: (state, reason) => states.push([state, reason]),
    createPeer: () => {
      const peer = newPeer();
      peers.push(peer);
      return peer as unknown as RTCPeerConnection;
    },
    fetch: async (url, init) => {
      requests.push({
        method: init?.method ?? 'GET',
        url: String(url),
        headers: init?.headers,
        body: init?.body,
      });
      if (init?.method === 'DELETE') return new Response(null, { status: 200 });
      return (answers.shift() ?? accepted)();
    },
  });
}

/** Lets what waits on promises run, without moving the clock. */
const settle = () => vi.advanceTimersByTimeAsync(0);
const peer = () => peers.at(-1)!;
const methods = () => requests.map((request) => request.method);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal(
    'MediaStream',
    class {
      addTrack() {}
    },
  );
  peers = [];
  states = [];
  requests = [];
  answers = [];
  streams = 0;
  newPeer = () => new FakePeer();
  surround = false;
});

afterEach(() => {
  player.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('WhepPlayer', () => {
  it('offers to receive picture and sound with the least delay, and takes the answer', async () => {
    play();
    await settle();
    expect(peer().kinds).toEqual(['video:recvonly', 'audio:recvonly']);
    expect(peer().receivers.map((receiver) => receiver.jitterBufferTarget)).toEqual([0, 0]);
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: 'http://rushes.test/live/whep/ASSET',
      headers: { 'Content-Type': 'application/sdp', Authorization: 'Bearer TOKEN' },
    });
    expect(requests[0]!.body).toContain('stereo=1');
    expect(requests[0]!.body).toBe(peer().local!.sdp);
    expect(peer().remote).toEqual({ type: 'answer', sdp: 'answer' });
  });

  it('asks for six channels of sound where they would be heard, and for two besides', async () => {
    surround = true;
    play();
    await settle();
    expect(requests[0]!.body).toContain('multiopus/48000/6');
    expect(requests[0]!.body).toContain('stereo=1');
    expect(requests[0]!.body).toBe(peer().local!.sdp);
  });

  it('does without where the browser does not let it ask', async () => {
    surround = true;
    newPeer = () => new StereoPeer('offer');
    play();
    await settle();
    expect(peers).toHaveLength(1);
    expect(requests[0]!.body).not.toContain('multiopus');
    expect(requests[0]!.body).toBe(peer().local!.sdp);
    expect(peer().remote).toEqual({ type: 'answer', sdp: 'answer' });
  });

  it('comes again without where the browser does not take the answer', async () => {
    surround = true;
    newPeer = () => new StereoPeer('answer');
    const six = () =>
      new Response('a=rtpmap:96 multiopus/48000/6\r\n', {
        status: 201,
        headers: { Location: '/live/session/SECRET' },
      });
    answers = [six];
    play();
    await settle();
    expect(requests[0]!.body).toContain('multiopus');
    await vi.advanceTimersByTimeAsync(1000);
    expect(peers).toHaveLength(2);
    expect(peer().local!.sdp).not.toContain('multiopus');
    expect(peer().remote).toEqual({ type: 'answer', sdp: 'answer' });
  });

  it('is live once bytes arrive, stalled when they stop, and live again', async () => {
    play();
    await settle();
    peer().bytes = 1000;
    peer().become('connected');
    await settle();
    expect(streams).toBe(1);
    await vi.advanceTimersByTimeAsync(2000);
    peer().bytes = 2000;
    await vi.advanceTimersByTimeAsync(1000);
    expect(states.map(([state]) => state)).toEqual(['live', 'stalled', 'live']);
    expect(peers).toHaveLength(1);
  });

  it('is live within a tenth of a second of the first byte, however late that comes', async () => {
    play();
    await settle();
    peer().become('connected');
    await vi.advanceTimersByTimeAsync(1250);
    expect(states).toEqual([]);
    peer().bytes = 1;
    await vi.advanceTimersByTimeAsync(50);
    expect(states).toEqual([['live', null]]);
  });

  it('looks at one transport once a second, also when that was away for a moment', async () => {
    play();
    await settle();
    const looks = vi.spyOn(peer(), 'getStats');
    peer().bytes = 1;
    for (const state of ['connected', 'disconnected', 'connected']) peer().become(state);
    await settle();
    expect(looks).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(3000);
    expect(looks).toHaveBeenCalledTimes(5);
  });

  it('deletes its session with its bearer when leaving', async () => {
    play();
    await settle();
    player.close();
    expect(peer().closed).toBe(true);
    expect(requests[1]).toMatchObject({
      method: 'DELETE',
      url: 'http://rushes.test/live/session/SECRET',
      headers: { Authorization: 'Bearer TOKEN' },
    });
    expect(states.at(-1)?.[0]).toBe('closed');
  });

  it('deletes a session that was granted after it left', async () => {
    play();
    player.close();
    await settle();
    expect(methods()).toEqual(['POST', 'DELETE']);
    expect(peer().remote).toBeNull();
  });

  it('waits as long as the server says while nobody publishes', async () => {
    answers = [() => new Response('', { status: 409, headers: { 'Retry-After': '3' } })];
    play();
    await settle();
    expect(states).toEqual([['waiting', null]]);
    await vi.advanceTimersByTimeAsync(2999);
    expect(methods()).toEqual(['POST']);
    await vi.advanceTimersByTimeAsync(1);
    expect(methods()).toEqual(['POST', 'POST']);
  });

  it('comes back to a busy server as late as that asks, and not sooner', async () => {
    answers = [() => new Response('', { status: 503, headers: { 'Retry-After': '6' } })];
    play();
    await settle();
    expect(states).toEqual([]);
    await vi.advanceTimersByTimeAsync(5999);
    expect(methods()).toEqual(['POST']);
    await vi.advanceTimersByTimeAsync(1);
    expect(methods()).toEqual(['POST', 'POST']);
  });

  it('says why it was refused, and asks again later', async () => {
    const body = JSON.stringify({ status: 403, title: 'Forbidden', detail: 'not in this room' });
    answers = [() => new Response(body, { status: 403 })];
    play();
    await settle();
    expect(states).toEqual([['refused', 'not in this room']]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(methods()).toEqual(['POST', 'POST']);
  });

  it('makes a new session when the transport fails, and ends the old one', async () => {
    play();
    await settle();
    peer().bytes = 1;
    peer().become('connected');
    await settle();
    peer().become('failed');
    expect(states.at(-1)?.[0]).toBe('reconnecting');
    expect(methods()).toEqual(['POST', 'DELETE']);
    await vi.advanceTimersByTimeAsync(400);
    expect(methods()).toEqual(['POST', 'DELETE', 'POST']);
    expect(peers).toHaveLength(2);
  });

  it('waits ever longer while the server does not answer, up to 5 s', async () => {
    answers = Array.from({ length: 7 }, () => () => {
      throw new TypeError('Failed to fetch');
    });
    play();
    const at: number[] = [];
    const start = Date.now();
    let seen = 0;
    while (Date.now() - start < 18_000) {
      await vi.advanceTimersByTimeAsync(100);
      if (requests.length > seen) at.push(Date.now() - start);
      seen = requests.length;
    }
    const waits = at.slice(1).map((time, n) => time - at[n]!);
    expect(waits.slice(1)).toEqual([800, 1600, 3200, 5000, 5000]);
  });

  it('gives up a transport that is never set up', async () => {
    play();
    await settle();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(peers[0]!.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(400);
    expect(peers).toHaveLength(2);
  });

  it('holds picture and sound back each by its own, also when it has to begin anew', async () => {
    play();
    await settle();
    const targets = () => peer().receivers.map((receiver) => receiver.jitterBufferTarget);
    player.hold({ picture: 200, sound: 30 });
    expect(targets()).toEqual([200, 30]);
    peer().become('failed');
    await vi.advanceTimersByTimeAsync(1000);
    expect(peers).toHaveLength(2);
    expect(targets()).toEqual([200, 30]);
  });

  it('when nudged starts anew only if nothing arrives', async () => {
    play();
    await settle();
    peer().bytes = 1;
    peer().become('connected');
    await settle();
    player.nudge();
    await settle();
    expect(peers).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1000);
    player.nudge();
    await settle();
    expect(peers).toHaveLength(2);
  });
});

describe('retryAfterMs', () => {
  it('reads seconds and dates, and bounds them', () => {
    expect(retryAfterMs('2')).toBe(2000);
    expect(retryAfterMs('600')).toBe(10_000);
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(retryAfterMs('Thu, 01 Jan 2026 00:00:04 GMT', now)).toBe(4000);
    expect(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('soon')).toBeNull();
    expect(retryAfterMs(null)).toBeNull();
  });
});

describe('withStereo', () => {
  it('asks for stereo once', () => {
    const once = withStereo(offer);
    expect(once).toContain('a=fmtp:111 stereo=1;minptime=10;useinbandfec=1\r\n');
    expect(withStereo(once)).toBe(once);
  });

  it('leaves an offer without Opus alone', () => {
    expect(withStereo('v=0\r\n')).toBe('v=0\r\n');
  });
});
