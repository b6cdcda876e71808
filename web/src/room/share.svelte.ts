import { canShareScreen, openScreen, sharedBy } from '../lib/screen';
import { Unreachable, type Asset } from '../lib/api';
import { WhipPublisher, type PublishState } from '../lib/whip';
import { untrack } from 'svelte';
import type { RoomModel } from './room.svelte';

/** Where the server takes the screen. */
interface Place {
  id: string;
  asset_id: string;
  url: string;
  token: string;
}

const OVER =
  'Your screen is not shared any more: a host has ended it, or you share from another window.';

/** A person's own screen in a room. */
export class ShareModel {
  readonly room: RoomModel;
  /** What a person could press at all: not on phones. */
  readonly offered = canShareScreen();
  state = $state<'off' | 'starting' | PublishState>('off');
  problem = $state<string | null>(null);
  assetId = $state<string | null>(null);

  readonly on = $derived(
    this.state === 'connecting' || this.state === 'live' || this.state === 'reconnecting',
  );
  readonly may = $derived.by(() => {
    const { attending, info, isHost, state } = this.room;
    return attending && info?.status === 'STARTED' && (isHost || state?.sync_mode !== 'HOST');
  });

  #stream: MediaStream | null = null;
  #publisher: WhipPublisher | null = null;
  /** A host's own share goes on the screen, once. */
  #toShow = false;
  #wasListed = false;
  #everListed = false;
  readonly #onScreen = $derived.by(() => {
    const { state } = this.room;
    return this.assetId !== null && state?.asset_id === this.assetId;
  });
  readonly #leave = () => this.#publisher?.close();

  constructor(room: RoomModel) {
    this.room = room;
    addEventListener('pagehide', this.#leave);
    $effect(() => this.#listed());
    // This person hears what they share: from the room it would be recorded once more, and again.
    $effect(() => this.room.sound.hushLive(this.#onScreen));
  }

  async start(): Promise<void> {
    if (this.on || this.state === 'starting') return;
    this.problem = null;
    this.state = 'starting';
    let stream: MediaStream | null = null;
    try {
      stream = await openScreen();
      if (!stream) return;
      const place = await this.room.socket.request<Place>('rushes/room/share', {
        id: this.room.id,
      });
      if (this.state === 'starting') this.#publish(stream, place);
      else stop(stream);
    } catch (error) {
      if (stream) stop(stream);
      this.problem = inWords(error);
    } finally {
      if (this.state === 'starting') this.state = 'off';
    }
  }

  #publish(stream: MediaStream, place: Place): void {
    this.#stream = stream;
    this.assetId = place.asset_id;
    this.#toShow = this.room.isHost;
    this.#wasListed = false;
    this.#everListed = false;
    this.state = 'connecting';
    // The browser has a button of its own that ends it.
    for (const track of stream.getVideoTracks()) track.onended = () => this.stop();
    const address = new URL(place.url, location.href);
    this.#publisher = new WhipPublisher({
      // The server may know itself by another name than the one that reaches it from here.
      url: new URL(address.pathname, location.href).href,
      token: place.token,
      stream,
      onState: (state, reason) => this.#became(state, reason),
    });
  }

  /** Ends it, for everyone. */
  stop(): void {
    if (!this.#publisher) return;
    this.#end();
    this.state = 'off';
    // Where this does not arrive, the end of the publishing is noticed a little later.
    void this.room.socket
      .request('rushes/room/unshare', { id: this.room.id })
      .catch(() => undefined);
  }

  /** Whose screen an asset is, if this person may end that they share it. */
  mayEnd(asset: Asset): string | null {
    const whose = sharedBy(asset);
    return this.room.isHost && whose !== this.room.you?.user_id ? whose : null;
  }

  /** Ends what somebody else shares, for everyone. They may share again, where the room lets them. */
  async endOf(userId: string): Promise<void> {
    this.problem = null;
    try {
      await this.room.socket.request('rushes/room/unshare', { id: this.room.id, user_id: userId });
    } catch (error) {
      this.problem = inWords(error);
    }
  }

  destroy(): void {
    removeEventListener('pagehide', this.#leave);
    this.stop();
    this.state = 'off';
  }

  #became(state: PublishState, reason: string | null): void {
    if (state === 'closed') return;
    // The room shows it again a moment after it is back: only what was seen there can be missing.
    if (state !== 'live') this.#wasListed = false;
    this.state = state;
    if (state !== 'refused') return;
    this.#end();
    this.state = 'off';
    this.problem = this.#everListed || !reason ? OVER : reason;
  }

  #end(): void {
    this.#publisher?.close();
    this.#publisher = null;
    if (this.#stream) stop(this.#stream);
    this.#stream = null;
    this.assetId = null;
  }

  /** What the room's list says of it: that it has come, or that somebody took it away. */
  #listed(): void {
    const asset = this.room.assets.find(({ id }) => id === this.assetId);
    if (!this.assetId) return;
    if (asset) {
      this.#wasListed = true;
      this.#everListed = true;
      if (this.#toShow) {
        this.#toShow = false;
        untrack(() => this.room.load(asset));
      }
    } else if (this.#wasListed && this.state === 'live') {
      // Still wanted or not: the server says, when it is asked.
      untrack(() => this.#publisher?.nudge());
    }
  }
}

function inWords(error: unknown): string {
  return error instanceof Unreachable
    ? 'There is no connection to the server.'
    : (error as Error).message;
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
