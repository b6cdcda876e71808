import { app } from '../app.svelte';
import { ApiError, Code, fileAddress, type Asset, type AssetFile, type Room } from '../lib/api';
import { TwinPlayer } from '../lib/twinPlayer';
import type { Place } from '../lib/draw/board';
import { isShut, type Ending } from '../lib/room/ending';
import { ownAfter, ownLoad } from '../lib/room/own';
import { clamp, isLive } from '../lib/room/predict';
import type { Op, RoomState, RoomUser, SyncMode, You } from '../lib/room/protocol';
import { RoomClient } from '../lib/room/roomClient';
import type { Session } from '../lib/session';
import { isSource } from '../lib/sources';
import { Socket, socketUrl, type SocketState } from '../lib/socket';
import { endedAt, frameAt } from '../lib/sync';
import { timecode, timecodeBase, type FrameRate } from '../lib/timecode';
import type { LiveState } from '../lib/whep';
import { ChatModel } from './chat.svelte';
import { ClipFollower, type SyncStatus } from './clipFollower';
import { Controls } from './controls.svelte';
import { DebugRecorder } from './debug';
import { DrawingModel } from './drawing.svelte';
import { LiveView } from './liveView';
import { reportOf } from './report';
import { RoomClock } from './roomClock';
import { SecondScreen } from './second.svelte';
import { Sound } from './sound.svelte';
import { Together } from './together.svelte';

/** How often things are looked after besides every frame: sync, the end of a clip, the badge. */
const TICK_MS = 200;
const REPORT_MS = 1000;

/** Everything that the page of a room shows and does. */
export class RoomModel {
  readonly id: string;
  readonly session: Session;
  info = $state.raw<Room | null>(null);
  assets = $state.raw<readonly Asset[]>([]);
  #listed = $state(false);
  connection = $state<SocketState>('connecting');
  /** True while the room's events arrive here. */
  attending = $state(false);
  wasOnline = $state(false);
  state = $state.raw<RoomState | null>(null);
  users = $state.raw<readonly RoomUser[]>([]);
  online = $state(0);
  /** True if there are others, who are not in `users`. */
  moreUsers = $state(false);
  readonly morePeople = () => void this.#client.morePeople();
  you = $state.raw<You | null>(null);
  /** Why the room cannot be shown at all. */
  refused = $state<string | null>(null);
  /** What went wrong with the last thing that was tried; goes away by itself. */
  problem = $state<string | null>(null);
  file = $state.raw<AssetFile | null>(null);
  clipError = $state<string | null>(null);
  live = $state<{ state: LiveState; reason: string | null }>({ state: 'connecting', reason: null });
  /** Which of the two videos of a clip is to be seen. */
  front = $state<0 | 1>(0);
  hasPicture = $state(false);
  shownFrame = $state<number | null>(null);
  sync = $state.raw<SyncStatus>({ kind: 'waiting', error: null });
  /** True while the picture moves, or would if it had data. */
  moving = $state(false);
  /** The frame under a playhead that is being dragged. */
  dragged = $state<number | null>(null);
  /** False while this person looks at something else than the room. */
  following = $state(true);
  readonly sound = new Sound();
  readonly controls = new Controls(this);
  readonly second: SecondScreen;

  readonly asset = $derived(this.assets.find((asset) => asset.id === this.state?.asset_id) ?? null);
  readonly isLive = $derived(this.state !== null && isLive(this.state));
  /** True when nobody publishes the live source on the screen: what arrives is a slate. */
  readonly away = $derived(this.isLive && this.asset?.is_live === false);
  /** True when the live source on the screen has left the room, as a shared screen does that ended. */
  readonly gone = $derived(this.#listed && this.isLive && !this.asset);
  readonly rate = $derived.by<FrameRate | null>(() => {
    const { fps_num: num, fps_den: den } = this.state ?? {};
    return num && den ? { num, den } : null;
  });
  /** What is on the screen, as far as one can draw on it. */
  readonly place = $derived.by<Place | null>(() => {
    const assetId = this.state?.asset_id;
    if (!assetId || !this.hasPicture) return null;
    return { assetId, frame: this.isLive ? null : this.shownFrame };
  });
  readonly frames = $derived(this.state?.frames ?? null);
  readonly #timeBase = $derived(this.rate && timecodeBase(this.rate, this.file?.tc_start));
  /** True while this person has the picture to themselves. */
  readonly unsynced = $derived(this.state?.sync_mode === 'UNSYNCED' || !this.following);
  readonly canDrive = $derived(
    this.attending &&
      this.info?.status === 'STARTED' &&
      (this.unsynced || (this.you?.can_drive ?? false)),
  );
  readonly isHost = $derived(this.you?.is_host ?? false);
  readonly over = $derived(this.info?.status === 'COMPLETE');

  readonly together = new Together();
  readonly #socket: Socket;
  readonly #client: RoomClient;
  readonly chat: ChatModel;
  readonly drawing: DrawingModel;
  readonly #clock: RoomClock;
  readonly #debug: DebugRecorder;
  readonly #timers: Array<ReturnType<typeof setInterval>> = [];
  #follower: ClipFollower | null = null;
  #player: TwinPlayer | null = null;
  #liveView: LiveView | null = null;
  #loadedAsset: string | null = null;
  /** The room can be known of, as by an administrator, and does not let them attend. */
  #seatless = false;
  #reloads = 0;
  /** In UNSYNCED each looks at what they like: this is what this person looks at. */
  #own: RoomState | null = null;
  #problemTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #online = () => this.#socket.hurry();

  constructor(session: Session, id: string, onEnded: (ending: Ending) => void) {
    this.session = session;
    this.id = id;
    this.#socket = new Socket({ url: socketUrl(location), token: session.token });
    this.#clock = new RoomClock({
      socket: this.#socket,
      onSample: () => this.#tick(),
      onRefused: (error) => void app.endedBy(error),
    });
    this.#socket.onState((state) => this.#connected(state));
    this.chat = new ChatModel(id, this.#socket);
    this.drawing = new DrawingModel({
      ...{ id, socket: this.#socket, place: () => this.place },
      me: () => this.you?.user_id ?? null,
      nameOf: (userId) => this.users.find((user) => user.user_id === userId)?.name ?? '',
      onProblem: (message) => this.complain(message),
    });
    this.#client = new RoomClient({
      id,
      socket: this.#socket,
      serverNow: () => this.#now(),
      onAttended: ({ you, last_message }) => {
        this.chat.log.attended(you.user_id, last_message);
        this.drawing.attended();
      },
      onLost: () => {
        this.chat.log.lost();
        this.drawing.lost();
      },
      onChange: () => this.#changed(),
      onRoom: (what) => void (what === 'phase' ? this.refresh() : this.#loadAssets()),
      onRefused: (error) => this.#refusedBy(error),
      onEnded,
      onProblem: (message) => this.complain(message),
    });
    this.second = new SecondScreen({
      token: session.token,
      serverAt: (at) => this.#clock.serverAt(at),
    });
    this.#debug = new DebugRecorder({
      state: () => $state.snapshot(this.state),
      connection: () => (this.attending ? 'online' : this.connection),
      clock: () => ({ offsetMs: this.#clock.offset, rttMs: this.#clock.rtt }),
      sync: () => $state.snapshot(this.sync),
    });
    this.#timers.push(setInterval(() => this.#tick(), TICK_MS));
    this.#timers.push(setInterval(() => this.#report(), REPORT_MS));
    addEventListener('online', this.#online);
    void this.refresh();
    void this.#loadAssets();
  }

  /** The connection to the server, for what else runs in the room. */
  get socket(): Socket {
    return this.#socket;
  }

  /** The server's clock, in milliseconds. */
  serverNow(): number {
    return this.#now();
  }

  attach(
    clips: readonly [HTMLVideoElement, HTMLVideoElement],
    live: HTMLVideoElement,
    second: HTMLVideoElement,
  ): void {
    this.second.attach(second);
    this.sound.attach([...clips, live], () => clips[this.front === 0 ? 1 : 0]);
    const onMuted = () => this.sound.block();
    this.#player = new TwinPlayer(clips, {
      onFront: (front) => (this.front = front),
      onFrame: (shown) => this.#clipFrame(shown.frame, shown.mediaTime, shown.at),
      onMuted,
      onBuffering: () => this.#tick(),
      onError: (message) => void this.#clipFailed(message),
    });
    this.#follower = new ClipFollower({
      player: this.#player,
      serverAt: (at) => this.#clock.serverAt(at),
    });
    this.#liveView = new LiveView({
      video: live,
      token: this.session.token,
      onState: (state, reason) => (this.live = { state, reason }),
      onPicture: (metadata) => this.#livePicture(metadata),
      onStream: () => this.together.begin(),
      onMuted,
    });
    this.together.attach({ view: this.#liveView, serverAt: (at) => this.#clock.serverAt(at) });
    this.#changed();
  }

  destroy(): void {
    removeEventListener('online', this.#online);
    this.#timers.forEach(clearInterval);
    clearTimeout(this.#problemTimer);
    this.#clock.stop();
    this.controls.destroy();
    this.second.destroy();
    this.#follower?.stop();
    this.#player?.destroy();
    this.together.stop();
    this.#liveView?.destroy();
    this.#client.close();
    this.chat.log.close();
    this.drawing.close();
    this.#socket.close();
    this.#debug.remove();
  }

  /** The timecode of a frame of the clip on the screen, as the clip itself counts. */
  timecode(frame: number): string {
    return this.#timeBase ? timecode(frame, this.#timeBase) : '00:00:00:00';
  }

  // What the person does.

  /** Shows this; a clip that is shown already goes back to its first frame. */
  load(asset: Asset): void {
    const runs = asset.id === this.state?.asset_id && this.isLive && this.state.playing;
    if (!this.canDrive || runs) return;
    this.controls.stopReverse();
    if (this.unsynced) void this.#loadOwn(asset);
    else this.act({ op: 'LOAD', asset_id: asset.id });
  }

  /** Looks at something else for a while, or goes back to where the room is. */
  follow(following: boolean): void {
    this.following = following;
    this.#own = following ? null : this.#client.state;
    this.#changed();
    this.#report();
  }

  /** Makes a host the driver: this person, or another. */
  drive(userId?: string): void {
    if (this.isHost) this.#client.command({ op: 'DRIVE', ...(userId && { user_id: userId }) });
  }

  setMode(sync_mode: SyncMode): void {
    if (this.isHost) this.#client.command({ op: 'MODE', sync_mode });
  }

  /** Before a line is drawn the picture stands. False where this person cannot make it. */
  holdForDrawing(): boolean {
    if (this.isLive || !this.moving) return true;
    if (this.canDrive) this.controls.pause();
    else this.complain('You can draw as soon as the picture stands');
    return this.canDrive;
  }

  /** How long everyone waits at most so that they see a live source together, in milliseconds. */
  setLiveCeiling(ceiling_ms: number): void {
    if (this.isHost) this.#client.command({ op: 'LIVE_CEILING', ceiling_ms });
  }

  /** Carries something out: for the room, or where this person is on their own for them alone. */
  act(op: Op): void {
    if (!this.canDrive || !this.state) return;
    if (this.unsynced) {
      this.#own = ownAfter(this.state, op, this.#now());
      this.apply();
    } else {
      this.#client.command(op);
    }
  }

  // What comes from the server.

  #connected(state: SocketState): void {
    const back = state === 'online' && this.connection === 'reconnecting';
    this.connection = state;
    if (state !== 'online') return;
    this.#clock.restart();
    if (back) {
      void this.refresh();
      void this.#loadAssets();
      this.#liveView?.nudge();
    }
  }

  /** Takes anew what the room is called, how far it has come, and what this person may do with it. */
  async refresh(): Promise<void> {
    try {
      this.info = await app.api.room(this.session.token, this.id);
      if (!this.#seatless) this.refused = null;
      this.apply();
    } catch (error) {
      if (app.endedBy(error)) return;
      if (error instanceof ApiError) this.refused = error.message;
      else this.complain((error as Error).message);
    }
  }

  async #loadAssets(): Promise<void> {
    try {
      this.assets = await app.api.roomAssets(this.session.token, this.id);
      this.#listed = true;
      this.apply();
    } catch (error) {
      if (!app.endedBy(error) && !this.refused) this.complain((error as Error).message);
    }
  }

  #refusedBy(error: ApiError): void {
    if (app.endedBy(error)) return;
    if (error.code === Code.ROOM_NOT_STARTED || error.code === Code.ROOM_COMPLETE) {
      void this.refresh();
    } else if (isShut(error.code)) {
      this.#seatless = true;
      this.refused = error.message;
    }
  }

  #changed(): void {
    this.attending = this.#client.attending;
    this.wasOnline ||= this.attending;
    if (this.attending) {
      this.#seatless = false;
      this.refused = null;
    }
    this.users = this.#client.users;
    this.online = this.#client.online;
    this.moreUsers = this.#client.more;
    this.you = this.#client.you;
    const state = this.#client.state;
    // While the connection is away the picture stays as it was: nobody else stops either.
    if (state?.sync_mode !== 'UNSYNCED' && this.following) this.#own = null;
    else this.#own ??= state;
    this.apply();
  }

  // What is on the screen.

  apply(): void {
    const state = this.#own ?? this.#client?.state ?? null;
    this.state = state;
    if (!state) return;
    const live = isLive(state);
    // A room that is over shows nothing; its viewer and its files end.
    const clip = live || this.over ? null : state.asset_id;
    this.#liveView?.show(live && !this.gone && !this.over ? state.asset_id : null);
    this.#liveView?.freeze(live && !state.playing);
    this.#takeAsset(clip, live && !this.over ? `live ${state.asset_id}` : clip);
    const shown =
      this.dragged === null
        ? state
        : { ...state, playing: false, frame: this.dragged, rev: state.rev + 0.5 };
    const followed = live || this.over ? null : shown;
    this.#follower?.follow(followed);
    this.second.follow(followed);
    this.#tick();
  }

  #takeAsset(clip: string | null, key: string | null): void {
    if (key === this.#loadedAsset || !this.#player) return;
    this.#loadedAsset = key;
    this.#reloads = 0;
    this.file = null;
    this.clipError = null;
    this.hasPicture = false;
    this.shownFrame = null;
    this.#player.unload();
    if (clip) void this.#loadClip(clip);
  }

  async #loadClip(assetId: string): Promise<void> {
    try {
      const file = await app.api.primaryFile(this.session.token, assetId);
      if (this.#loadedAsset !== assetId || !this.rate || !this.state) return;
      if (!file.url) throw new Error('This clip has no file that can be played.');
      this.file = file;
      const url = fileAddress(file.url, location.href);
      const frame = this.#follower?.target() ?? this.state.frame;
      this.#player?.load({ url, rate: this.rate, frames: this.frames }, frame);
      this.#tick();
    } catch (error) {
      if (app.endedBy(error) || this.#loadedAsset !== assetId) return;
      this.clipError = (error as Error).message;
      setTimeout(() => this.#loadedAsset === assetId && void this.#loadClip(assetId), 3000);
    }
  }

  /** An address may have run out: once more with a fresh one, then say so. */
  async #clipFailed(message: string): Promise<void> {
    const assetId = this.#loadedAsset;
    this.#reloads += 1;
    if (this.#reloads > 3) {
      this.clipError = message;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 500 * this.#reloads));
    if (assetId && assetId === this.#loadedAsset) await this.#loadClip(assetId);
  }

  #clipFrame(frame: number, mediaTime: number, at: number): void {
    this.shownFrame = frame;
    this.hasPicture = true;
    this.clipError = null;
    const serverMs = this.#clock.serverAt(at);
    const target = serverMs !== null && this.state ? frameAt(this.state, serverMs) : null;
    const assetId = this.#loadedAsset;
    this.#debug.add({ kind: 'clip', assetId, frame, mediaTime, at, serverMs, target });
    this.#follower?.tick();
  }

  #livePicture(metadata: VideoFrameCallbackMetadata): void {
    this.hasPicture = true;
    this.together.picture(metadata);
    const { expectedDisplayTime } = metadata;
    const serverMs = this.#clock.serverAt(expectedDisplayTime);
    this.#debug.live(this.state?.asset_id ?? null, metadata, serverMs);
  }

  #tick(): void {
    this.#follower?.tick();
    this.second.tick();
    const state = this.state;
    const at = this.#clock.serverAt(performance.now());
    this.moving = !!state?.playing && !(at !== null && endedAt(state, at));
    if (this.#follower && !this.isLive) this.sync = this.#follower.status;
    this.together.tick(state, this.#client.liveDelayMs);
  }

  #report(): void {
    const { state, following, shownFrame: frame, sync } = this;
    if (!state || this.connection !== 'online') return;
    const { asset_id } = state;
    const connected = this.live.state === 'live';
    const shown = this.isLive ? this.together.shown(connected) : { frame, sync };
    const reported = { asset_id, following, rttMs: this.#clock.rtt, shown };
    this.#client.report(reportOf(reported, performance.now()));
  }

  // Small things.

  /** The frame that the person sees, or sees next: what they mean by "here". */
  here(): number {
    if (this.dragged !== null) return this.dragged;
    const state = this.state;
    if (!state) return 0;
    if (!this.moving) return this.#follower?.target() ?? state.frame;
    return this.shownFrame ?? this.#follower?.target() ?? state.frame;
  }

  clamped(frame: number): number {
    return this.state ? clamp(this.state, frame) : 0;
  }

  /** Says for a moment what went wrong. */
  complain(message: string): void {
    this.problem = message;
    clearTimeout(this.#problemTimer);
    this.#problemTimer = setTimeout(() => (this.problem = null), 6000);
  }

  #now(): number {
    return this.#clock.serverAt(performance.now()) ?? Date.now();
  }

  async #loadOwn(asset: Asset): Promise<void> {
    if (!this.state) return;
    try {
      const file = isSource(asset) ? null : await app.api.primaryFile(this.session.token, asset.id);
      const own = ownLoad(this.state, asset, file, this.#now());
      if (!own) throw new Error('The frame rate of this clip is not known.');
      if (this.unsynced) this.#own = own;
      this.apply();
    } catch (error) {
      if (!app.endedBy(error)) this.complain((error as Error).message);
    }
  }
}
