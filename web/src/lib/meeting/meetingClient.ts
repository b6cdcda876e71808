/** Being in a room's meeting: joins, follows what the server says, and comes back by itself. */

import { ApiError, Unreachable } from '../api';
import type { Socket } from '../socket';
import { Peer, type Connect } from './peer';
import {
  MeetingEvent,
  type Asked,
  type Ended,
  type EndReason,
  type Joined,
  type Member,
  type Offer,
  type Roster,
  type Source,
  type Sources,
  type Speaker,
} from './protocol';

/**
 * - `out`: not in the meeting
 * - `joining`: on the way in, for the first time
 * - `in`: in it
 * - `returning`: the connection was lost, and attempts go on until they succeed
 */
export type MeetingState = 'out' | 'joining' | 'in' | 'returning';

export interface MeetingOptions {
  /** The room. */
  id: string;
  socket: Pick<Socket, 'request' | 'on' | 'onState' | 'state'>;
  /** Gets what proves this person to the meeting; a new one each time. */
  joinToken: () => Promise<string>;
  connect?: Connect;
  /** Something of what can be read here is another. */
  onChange: () => void;
  /** A host asks this person to unmute. */
  onAsked: (by: string) => void;
  /** It is over, and not for a while. */
  onEnded: (reason: EndReason | string) => void;
}

/** Between attempts to come back. */
const AGAIN_MS = 1500;

export class MeetingClient {
  state: MeetingState = 'out';
  userId: string | null = null;
  members: readonly Member[] = [];
  speaker: string | null = null;
  talking: ReadonlySet<string> = new Set();
  voices: readonly Source[] = [];
  pictures: readonly Source[] = [];
  /** What can be played, by section. */
  readonly tracks = new Map<string, MediaStreamTrack>();

  readonly #options: MeetingOptions & { connect: Connect };
  readonly #stop: Array<() => void> = [];
  #peer: Peer | null = null;
  #attempt = 0;
  #attendance: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #microphone: MediaStreamTrack | null = null;
  #camera: MediaStreamTrack | null = null;

  constructor(options: MeetingOptions) {
    this.#options = {
      connect: (config) => new RTCPeerConnection(config) as unknown as ReturnType<Connect>,
      ...options,
    };
    const on = <T extends { id: string }>(name: string, take: (data: T) => void) => {
      const mine = (data: unknown) => {
        if ((data as T).id === options.id && this.state !== 'out') take(data as T);
      };
      this.#stop.push(options.socket.on(name, mine));
    };
    on<Offer>(MeetingEvent.OFFER, (offer) => {
      if (offer.attendance === this.#attendance) void this.#peer?.offered(offer);
    });
    on<Roster>(MeetingEvent.ROSTER, (roster) => this.#rosterCame(roster));
    on<Speaker>(MeetingEvent.SPEAKER, ({ user_id, talking }) => {
      this.speaker = user_id;
      this.talking = new Set(talking);
      options.onChange();
    });
    on<Sources>(MeetingEvent.SOURCES, ({ attendance, audio, video }) => {
      if (attendance !== this.#attendance) return;
      this.voices = audio;
      this.pictures = video;
      options.onChange();
    });
    on<Asked>(MeetingEvent.ASKED, ({ by }) => options.onAsked(by));
    on<Ended>(MeetingEvent.ENDED, ({ attendance, reason }) => {
      // It may be the end of one that this page has taken over from.
      if (attendance === this.#attendance) this.#ended(reason);
    });
    this.#stop.push(
      options.socket.onState((state) => {
        // The voices go on without it for a while; a new connection takes over from them.
        if (state === 'online' && this.state !== 'out') void this.#join('returning');
      }),
    );
  }

  get me(): Member | null {
    return this.members.find((member) => member.user_id === this.userId) ?? null;
  }

  /** Goes in. */
  enter(): Promise<void> {
    return this.state === 'out' ? this.#join('joining') : Promise.resolve();
  }

  /** Goes out. */
  leave(): void {
    if (this.state === 'out') return;
    const { socket, id } = this.#options;
    void socket.request('rushes/meeting/leave', { id }).catch(() => undefined);
    this.#out();
  }

  /** Mutes oneself, or another as a host. What this side says is held back at once. */
  mute(userId?: string): Promise<void> {
    if (!userId && this.#microphone) this.#microphone.enabled = false;
    return this.#ask('mute', userId ? { user_id: userId } : {});
  }

  /** Unmutes oneself, or asks another to as a host. */
  unmute(userId?: string): Promise<void> {
    return this.#ask('unmute', userId ? { user_id: userId } : {});
  }

  muteAll(): Promise<void> {
    return this.#ask('mute_all', {});
  }

  /** Wants to see somebody large, or whoever speaks. */
  watch(userId: string | null): Promise<void> {
    return this.#ask('watch', { user_id: userId });
  }

  /** Talks with this microphone from now on. */
  async setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    this.#microphone = track;
    this.#hold();
    await this.#peer?.setMicrophone(track);
  }

  /** Shows this camera from now on, or none. */
  async setCamera(track: MediaStreamTrack | null): Promise<void> {
    this.#camera = track;
    await this.#peer?.setCamera(track);
    if (this.state === 'in') await this.#ask('camera', { on: track !== null });
  }

  destroy(): void {
    this.leave();
    for (const stop of this.#stop) stop();
  }

  #ask(what: string, data: object): Promise<void> {
    const { socket, id } = this.#options;
    return socket.request(`rushes/meeting/${what}`, { id, ...data });
  }

  async #join(state: 'joining' | 'returning'): Promise<void> {
    const attempt = ++this.#attempt;
    clearTimeout(this.#timer);
    this.#dropPeer();
    this.#set(state);
    try {
      const token = await this.#options.joinToken();
      if (attempt !== this.#attempt) return;
      const joined = await this.#options.socket.request<Joined>('rushes/meeting/join', {
        id: this.#options.id,
        join_token: token,
      });
      if (attempt !== this.#attempt) return;
      await this.#connect(joined);
    } catch (error) {
      if (attempt === this.#attempt) this.#failed(error, state);
    }
  }

  async #connect(joined: Joined): Promise<void> {
    this.userId = joined.user_id;
    this.#attendance = joined.attendance;
    const peer = new Peer({
      config: joined.ice,
      connect: this.#options.connect,
      rates: joined.camera_rates,
      answer: (offer, sdp) => this.#ask('answer', { offer, sdp }),
      onTrack: (mid, track) => {
        this.tracks.set(mid, track);
        this.#options.onChange();
      },
      onLost: () => {
        if (peer === this.#peer) this.#ended('LOST');
      },
    });
    this.#peer = peer;
    this.#hold();
    void peer.setMicrophone(this.#microphone);
    void peer.setCamera(this.#camera);
    await peer.offered(joined);
    if (peer !== this.#peer) return;
    this.#set('in');
    if (this.#camera) await this.#ask('camera', { on: true }).catch(() => undefined);
  }

  #failed(error: unknown, state: MeetingState): void {
    // Without a connection the socket's return is waited for.
    const transient = error instanceof Unreachable;
    if (transient && state === 'returning') {
      this.#later();
      return;
    }
    this.#out();
    const message = error instanceof ApiError || transient ? (error as Error).message : null;
    this.#options.onEnded(message ?? 'The voice connection cannot be made.');
  }

  #ended(reason: EndReason): void {
    if (this.state === 'out') return;
    if (reason === 'LOST') {
      if (this.state === 'in') {
        this.#dropPeer();
        this.#set('returning');
        this.#later();
      }
      return;
    }
    this.#out();
    this.#options.onEnded(reason);
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#options.socket.state === 'online') void this.#join('returning');
    }, AGAIN_MS);
  }

  #rosterCame(roster: Roster): void {
    this.members = roster.members;
    this.#hold();
    this.#options.onChange();
  }

  /** Holds the microphone back while the server says that it is muted; it would drop it anyway. */
  #hold(): void {
    if (this.#microphone) this.#microphone.enabled = this.me !== null && !this.me.muted;
  }

  #dropPeer(): void {
    this.#peer?.close();
    this.#peer = null;
    this.#attendance = null;
    this.tracks.clear();
    this.voices = [];
    this.pictures = [];
  }

  #out(): void {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.#dropPeer();
    this.members = [];
    this.speaker = null;
    this.talking = new Set();
    this.#set('out');
    this.#hold();
  }

  #set(state: MeetingState): void {
    this.state = state;
    this.#options.onChange();
  }
}
