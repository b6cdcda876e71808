/** Stand-ins for the browser's WebRTC and for the server, for the tests of this folder. */

import type { SocketState } from '../socket';
import type { Connect, PeerLike } from './peer';

export function track(kind: 'audio' | 'video'): MediaStreamTrack {
  return { kind, enabled: true } as MediaStreamTrack;
}

interface FakeSender {
  track: MediaStreamTrack | null;
  parameters: RTCRtpSendParameters;
}

export class FakePeer {
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: { sdp: string } | null = null;
  ontrack: ((event: RTCTrackEvent) => void) | null = null;
  onconnectionstatechange: ((event: Event) => void) | null = null;
  readonly applied: string[] = [];
  readonly senders: FakeSender[] = [];
  closed = false;
  #transceivers: RTCRtpTransceiver[] = [];

  setRemoteDescription({ sdp }: RTCSessionDescriptionInit): Promise<void> {
    if (sdp === 'bad') return Promise.reject(new Error('bad'));
    this.applied.push(sdp ?? '');
    if (this.#transceivers.length === 0) {
      for (const kind of ['audio', 'video'] as const)
        this.#transceivers.push(this.#transceiver(kind));
    }
    return Promise.resolve();
  }

  setLocalDescription(): Promise<void> {
    this.localDescription = { sdp: `answer to ${this.applied.at(-1)}` };
    return Promise.resolve();
  }

  getTransceivers(): RTCRtpTransceiver[] {
    return this.#transceivers;
  }

  close(): void {
    this.closed = true;
  }

  becomes(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.(new Event('connectionstatechange'));
  }

  #transceiver(kind: 'audio' | 'video'): RTCRtpTransceiver {
    const encodings = kind === 'video' ? [{ rid: 'l' }, { rid: 'h' }] : [{}];
    const sender: FakeSender = { track: null, parameters: { encodings } as RTCRtpSendParameters };
    this.senders.push(sender);
    return {
      direction: 'recvonly',
      receiver: { track: { kind } },
      sender: {
        getParameters: () => structuredClone(sender.parameters),
        setParameters: (parameters: RTCRtpSendParameters) => {
          sender.parameters = parameters;
          return Promise.resolve();
        },
        replaceTrack: (next: MediaStreamTrack | null) => {
          sender.track = next;
          return Promise.resolve();
        },
      },
    } as unknown as RTCRtpTransceiver;
  }
}

/** A `connect` whose connections can be looked at. */
export function fakePeers(): { peers: FakePeer[]; connect: Connect } {
  const peers: FakePeer[] = [];
  const connect = () => {
    const peer = new FakePeer();
    peers.push(peer);
    return peer as unknown as PeerLike;
  };
  return { peers, connect };
}

type Answer = (data: Record<string, unknown>) => unknown;

/** A socket that answers as it is told, and remembers what it was asked. */
export class FakeSocket {
  state: SocketState = 'online';
  readonly asked: Array<[string, Record<string, unknown>]> = [];
  readonly answers = new Map<string, Answer>();
  readonly #events = new Map<string, Set<(data: unknown) => void>>();
  readonly #states = new Set<(state: SocketState) => void>();

  request<T>(endpoint: string, data: object): Promise<T> {
    this.asked.push([endpoint, data as Record<string, unknown>]);
    try {
      const answer = this.answers.get(endpoint);
      return Promise.resolve((answer ? answer(data as Record<string, unknown>) : {}) as T);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  on(name: string, listener: (data: unknown) => void): () => void {
    const listeners = this.#events.get(name) ?? new Set();
    this.#events.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  onState(listener: (state: SocketState) => void): () => void {
    this.#states.add(listener);
    return () => this.#states.delete(listener);
  }

  tell(name: string, data: object): void {
    for (const listener of this.#events.get(name) ?? []) listener(data);
  }

  becomes(state: SocketState): void {
    this.state = state;
    for (const listener of this.#states) listener(state);
  }

  /** How often an endpoint was asked. */
  count(endpoint: string): number {
    return this.asked.filter(([name]) => name === endpoint).length;
  }
}
