import { untrack } from 'svelte';
import { Unreachable } from '../lib/api';
import {
  endedText,
  NONE,
  runningTime,
  sourceOf,
  type RecordedSources,
  type RecordingChange,
} from '../lib/recordings';
import type { RoomModel } from './room.svelte';

const TOLD_MS = 6000;

/** What is recorded in a room, and what a host does about it. */
export class RecordingModel {
  readonly room: RoomModel;
  #all = $state.raw<RecordedSources>(NONE);
  #now = $state(Date.now());
  busy = $state(false);
  /** What is to be said for a moment. */
  told = $state<string | null>(null);

  readonly source = $derived.by(() => {
    const { room } = this;
    return room.isLive ? sourceOf(this.#all, room.state?.asset_id ?? null) : null;
  });
  readonly on = $derived(!!this.source?.recording);
  readonly may = $derived.by(() => {
    const { attending, info } = this.room;
    return !!this.source?.may_record && attending && info?.status === 'STARTED';
  });
  readonly mayReplay = $derived(this.may && this.#all.replay_seconds > 0);
  readonly time = $derived.by(() => {
    const since = this.source?.recording?.since;
    return since == null ? '' : runningTime(since, this.#now);
  });

  #asked = 0;
  /** This person waits for what becomes of a recording. */
  #waits = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #clock: ReturnType<typeof setInterval>;
  readonly #stopListening: () => void;

  constructor(room: RoomModel) {
    this.room = room;
    this.#stopListening = room.socket.on('LIVE_RECORDING_CHANGED', (data) =>
      this.#changed(data as RecordingChange),
    );
    this.#clock = setInterval(() => (this.#now = room.serverNow()), 500);
    $effect(() => {
      // Another list of assets may be another list of sources; a connection that is new missed events.
      if (room.attending && room.assets && room.isHost !== undefined) untrack(() => this.#load());
    });
  }

  async toggle(): Promise<void> {
    const on = !this.on;
    this.#waits = !on;
    await this.#ask('rushes/live/record', { on });
  }

  async replay(): Promise<void> {
    this.#waits = true;
    if (await this.#ask('rushes/live/replay', {})) this.#tell('The replay is on its way.');
  }

  destroy(): void {
    clearInterval(this.#clock);
    clearTimeout(this.#timer);
    this.#stopListening();
  }

  async #ask(endpoint: string, data: object): Promise<boolean> {
    const { source, room } = this;
    if (!source || this.busy) return false;
    this.busy = true;
    try {
      await room.socket.request(endpoint, { id: source.id, room_id: room.id, ...data });
      await this.#load();
      return true;
    } catch (error) {
      this.#waits = false;
      const away = error instanceof Unreachable;
      this.#tell(away ? 'There is no connection to the server.' : (error as Error).message);
      return false;
    } finally {
      this.busy = false;
    }
  }

  #changed(change: RecordingChange): void {
    if (this.#waits && !change.recording && change.asset_id === this.source?.asset_id) {
      this.#waits = false;
      this.#tell(endedText(change));
    } else if (this.#waits && change.replay) {
      this.#waits = false;
      this.#tell(endedText(change));
    }
    void this.#load();
  }

  #tell(text: string): void {
    clearTimeout(this.#timer);
    this.told = text;
    this.#timer = setTimeout(() => (this.told = null), TOLD_MS);
  }

  /** The answer to the latest question counts. */
  async #load(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const all = await this.room.socket.request<RecordedSources>('rushes/live/recordings', {
        room_id: this.room.id,
      });
      if (asked === this.#asked) this.#all = all;
    } catch {
      // The next change asks again.
    }
  }
}
