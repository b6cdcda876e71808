import { app } from '../../app.svelte';
import {
  listDevices,
  openDevice,
  type DeviceChoice,
  type DeviceKind,
} from '../../lib/meeting/devices';
import { MeetingClient, type MeetingState } from '../../lib/meeting/meetingClient';
import type { Member } from '../../lib/meeting/protocol';
import { PushToTalk } from '../../lib/meeting/pushToTalk';
import type { RoomModel } from '../room.svelte';

/** Somebody's picture, and where to play it. */
export interface Picture {
  member: Member;
  track: MediaStreamTrack;
  mirrored: boolean;
}

const ENDINGS: Record<string, string> = {
  REPLACED: 'You talk in another window now.',
  REMOVED: 'You may not talk in this room any more.',
  CLOSED: 'The room is over.',
};

/** What the voice panel of a room shows and does. */
export class MeetingModel {
  readonly room: RoomModel;
  state = $state<MeetingState>('out');
  members = $state.raw<readonly Member[]>([]);
  me = $state.raw<Member | null>(null);
  speaker = $state<string | null>(null);
  talking = $state.raw<ReadonlySet<string>>(new Set());
  /** Others' pictures, and one's own first. */
  pictures = $state.raw<readonly Picture[]>([]);
  voices = $state.raw<readonly MediaStreamTrack[]>([]);
  microphones = $state.raw<readonly DeviceChoice[]>([]);
  cameras = $state.raw<readonly DeviceChoice[]>([]);
  microphone = $state<string | null>(null);
  camera = $state<string | null>(null);
  /** Whom this person has chosen to see large. */
  watched = $state<string | null>(null);
  /** Who asks this person to unmute. */
  askedBy = $state<string | null>(null);
  /** What is wrong with a device, or with what was tried. */
  problem = $state<string | null>(null);
  pushing = $state(false);

  readonly pushToTalk: PushToTalk;
  readonly #client: MeetingClient;
  #sound: MediaStreamTrack | null = null;
  #picture = $state.raw<MediaStreamTrack | null>(null);

  readonly cameraOn = $derived(this.#picture !== null);
  readonly isHost = $derived(this.me?.is_host ?? false);

  constructor(room: RoomModel) {
    this.room = room;
    this.#client = new MeetingClient({
      id: room.id,
      socket: room.socket,
      joinToken: () => app.api.joinToken(room.session.token, room.id),
      onChange: () => this.#changed(),
      onAsked: (by) =>
        (this.askedBy = this.members.find((m) => m.user_id === by)?.name ?? 'A host'),
      onEnded: (reason) => {
        this.#closeDevices();
        this.problem = ENDINGS[reason] ?? reason;
      },
    });
    this.pushToTalk = new PushToTalk({
      canTalk: () => this.state === 'in' && !!this.me?.muted && this.me.may_unmute,
      talk: () => {
        this.pushing = true;
        void this.#try(this.#client.unmute());
      },
      hush: () => {
        this.pushing = false;
        void this.#try(this.#client.mute());
      },
    });
  }

  /** Goes in. Who has no microphone, or gives none, listens. */
  async enter(): Promise<void> {
    this.problem = null;
    await this.#open('microphone');
    await this.#client.enter();
    // A host's room may have been left while the browser asked for the microphone.
    if (this.#client.state === 'out') this.#closeDevices();
  }

  leave(): void {
    this.#client.leave();
    this.#closeDevices();
  }

  async toggleMute(): Promise<void> {
    this.problem = null;
    this.askedBy = null;
    if (!this.me?.muted) return this.#try(this.#client.mute());
    if (!this.#sound && !(await this.#open('microphone'))) return;
    await this.#try(this.#client.unmute());
  }

  dismissAsk(): void {
    this.askedBy = null;
  }

  async toggleCamera(): Promise<void> {
    this.problem = null;
    if (!this.#picture) await this.#open('camera');
    else await this.#closeCamera();
  }

  async choose(kind: DeviceKind, id: string): Promise<void> {
    this.problem = null;
    if (kind === 'microphone') this.microphone = id;
    else this.camera = id;
    if (kind === 'microphone' || this.#picture) await this.#open(kind);
  }

  /** Mutes somebody, or asks them to unmute. */
  setMuted(member: Member, muted: boolean): Promise<void> {
    const { user_id: id } = member;
    return this.#try(muted ? this.#client.mute(id) : this.#client.unmute(id));
  }

  muteAll(): Promise<void> {
    return this.#try(this.#client.muteAll());
  }

  /** Sees somebody large; a second time, whoever speaks. */
  watch(userId: string): Promise<void> {
    this.watched = this.watched === userId ? null : userId;
    return this.#try(this.#client.watch(this.watched));
  }

  destroy(): void {
    this.#client.destroy();
    this.#closeDevices();
  }

  async #open(kind: DeviceKind): Promise<boolean> {
    try {
      const microphone = kind === 'microphone';
      const track = await openDevice(kind, microphone ? this.microphone : this.camera);
      track.onended = () => this.#unplugged(kind, track);
      if (microphone) {
        this.#sound?.stop();
        this.#sound = track;
        this.microphone = track.getSettings().deviceId ?? null;
        await this.#client.setMicrophone(track);
      } else {
        this.#picture?.stop();
        this.#picture = track;
        this.camera = track.getSettings().deviceId ?? null;
        await this.#client.setCamera(track);
      }
      this.#changed();
      void this.#list();
      return true;
    } catch (error) {
      if (kind === 'camera') await this.#closeCamera();
      this.problem = (error as Error).message;
      return false;
    }
  }

  async #closeCamera(): Promise<void> {
    this.#picture?.stop();
    this.#picture = null;
    this.#changed();
    await this.#try(this.#client.setCamera(null));
  }

  #unplugged(kind: DeviceKind, track: MediaStreamTrack): void {
    if (kind === 'camera' && track === this.#picture) void this.#closeCamera();
    if (kind === 'microphone' && track === this.#sound) {
      this.#sound = null;
      void this.#client.setMicrophone(null);
      this.problem = 'The microphone was unplugged.';
    }
  }

  #closeDevices(): void {
    this.pushToTalk.release();
    this.#sound?.stop();
    this.#picture?.stop();
    this.#sound = null;
    this.#picture = null;
    void this.#client.setMicrophone(null);
    void this.#client.setCamera(null);
    this.#changed();
  }

  async #list(): Promise<void> {
    this.microphones = await listDevices('microphone').catch(() => []);
    this.cameras = await listDevices('camera').catch(() => []);
  }

  async #try(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.problem = (error as Error).message;
    }
  }

  #changed(): void {
    const client = this.#client;
    this.state = client.state;
    this.members = client.members;
    this.me = client.me;
    this.speaker = client.speaker;
    this.talking = client.talking;
    if (!this.me?.muted) this.askedBy = null;
    const playing = (mid: string) => client.tracks.get(mid);
    this.voices = [...client.tracks.values()].filter((track) => track.kind === 'audio');
    const pictures: Picture[] = [];
    if (this.me && this.#picture) {
      pictures.push({ member: this.me, track: this.#picture, mirrored: true });
    }
    for (const { mid, user_id } of client.pictures) {
      const member = client.members.find((other) => other.user_id === user_id);
      const track = playing(mid);
      if (member && track) pictures.push({ member, track, mirrored: false });
    }
    this.pictures = pictures;
  }
}
