import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WhipPublisher, type PublishState } from './whip';

class FakePeer {
  connectionState = 'new';
  onconnectionstatechange: (() => void) | null = null;
  remote: RTCSessionDescriptionInit | null = null;
  sent: Array<{ kind: string; init: RTCRtpTransceiverInit }> = [];
  preferred: string[] = [];
  parameters: unknown[] = [];
  closed = false;
  addTransceiver(track: { kind: string }, init: RTCRtpTransceiverInit) {
    this.sent.push({ kind: track.kind, init });
    return {
      sender: {
        getParameters: () => ({ encodings: [{}] }),
        setParameters: async (parameters: unknown) => void this.parameters.push(parameters),
      },
      setCodecPreferences: (codecs: RTCRtpCodec[]) =>
        (this.preferred = codecs.map(({ mimeType }) => mimeType)),
    };
  }
  async createOffer() {
    return { type: 'offer', sdp: 'offer' };
  }
  async setLocalDescription() {}
  async setRemoteDescription(description: RTCSessionDescriptionInit) {
    this.remote = description;
  }
  close() {
    this.closed = true;
  }
  become(state: string) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

const answer = 'a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\n';
const accepted = () =>
  new Response(answer, { status: 201, headers: { Location: '/live/session/SECRET' } });
const problem = (status: number, detail: string) => () =>
  new Response(JSON.stringify({ detail }), { status });

let peers: FakePeer[];
let states: Array<[PublishState, string | null]>;
let requests: Array<{ method: string; url: string; headers: unknown }>;
let answers: Array<() => Response>;
let publisher: WhipPublisher;

function publish(kinds = ['video', 'audio']) {
  publisher = new WhipPublisher({
    url: 'http://rushes.test/start/live/whip/P/D/1',
    token: 'TOKEN',
    stream: { getTracks: () => kinds.map((kind) => ({ kind })) } as unknown as MediaStream,
    onState: (state, reason) => states.push([state, reason]),
    codecs: () =>
      ['video/VP8', 'video/rtx', 'video/AV1', 'video/H264', 'video/VP9'].map(
        (mimeType) => ({ mimeType, clockRate: 90_000 }) as RTCRtpCodec,
      ),
    createPeer: () => {
      const peer = new FakePeer();
      peers.push(peer);
      return peer as unknown as RTCPeerConnection;
    },
    fetch: async (url, init) => {
      requests.push({ method: init?.method ?? 'GET', url: String(url), headers: init?.headers });
      if (init?.method === 'DELETE') return new Response(null, { status: 200 });
      return (answers.shift() ?? accepted)();
    },
  });
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const peer = () => peers.at(-1)!;
const methods = () => requests.map(({ method }) => method);

beforeEach(() => {
  vi.useFakeTimers();
  peers = [];
  states = [];
  requests = [];
  answers = [];
});

afterEach(() => {
  publisher.close();
  vi.useRealTimers();
});

describe('WhipPublisher', () => {
  it('offers what it has, in codecs that everybody plays, and keeps the picture sharp', async () => {
    publish();
    await settle();
    expect(peer().sent.map(({ kind, init }) => [kind, init.direction])).toEqual([
      ['video', 'sendonly'],
      ['audio', 'sendonly'],
    ]);
    expect(peer().preferred).toEqual(['video/H264', 'video/VP8', 'video/rtx']);
    expect(peer().parameters).toEqual([
      expect.objectContaining({ degradationPreference: 'maintain-resolution' }),
    ]);
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: 'http://rushes.test/start/live/whip/P/D/1',
      headers: { 'Content-Type': 'application/sdp', Authorization: 'Bearer TOKEN' },
    });
    expect(peer().remote?.sdp).toContain('a=fmtp:111 stereo=1;minptime=10');
    peer().become('connected');
    expect(states).toEqual([['live', null]]);
  });

  it('ends the session at the server when it is closed', async () => {
    publish(['video']);
    await settle();
    peer().become('connected');
    publisher.close();
    expect(requests.at(-1)).toMatchObject({
      method: 'DELETE',
      url: 'http://rushes.test/live/session/SECRET',
    });
    expect(peer().closed).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(methods()).toEqual(['POST', 'DELETE']);
  });

  it('ends a session that comes after it was closed', async () => {
    publish();
    publisher.close();
    await settle();
    expect(methods()).toEqual(['POST', 'DELETE']);
  });

  it('publishes anew when the transport is silent, and not when it is only for a moment', async () => {
    publish();
    await settle();
    peer().become('connected');
    peer().become('disconnected');
    await vi.advanceTimersByTimeAsync(1000);
    peer().become('connected');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(peers).toHaveLength(1);
    peer().become('disconnected');
    await vi.advanceTimersByTimeAsync(4000);
    expect(peers).toHaveLength(2);
    peer().become('connected');
    expect(states.map(([state]) => state)).toEqual(['live', 'reconnecting', 'live']);
  });

  it('waits for a server that is away, a little longer each time', async () => {
    const away = () => {
      throw new TypeError('Failed to fetch');
    };
    answers = [away, away, away];
    publish();
    await vi.advanceTimersByTimeAsync(400 + 800 + 1599);
    expect(methods()).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(1);
    expect(methods()).toHaveLength(4);
    peer().become('connected');
    expect(states).toEqual([['live', null]]);
  });

  it('waits as long as a busy server asks for', async () => {
    answers = [() => new Response('', { status: 503, headers: { 'Retry-After': '5' } })];
    publish();
    await vi.advanceTimersByTimeAsync(4999);
    expect(methods()).toEqual(['POST']);
    await vi.advanceTimersByTimeAsync(1);
    expect(methods()).toEqual(['POST', 'POST']);
  });

  it('gives up when the server takes it no more', async () => {
    publish();
    await settle();
    peer().become('connected');
    answers = [problem(401, 'the token is void')];
    publisher.nudge();
    await vi.advanceTimersByTimeAsync(10);
    expect(states.at(-1)).toEqual(['refused', 'the token is void']);
    await vi.advanceTimersByTimeAsync(60_000);
    publisher.nudge();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(methods()).toEqual(['POST', 'DELETE', 'POST']);
  });
});
