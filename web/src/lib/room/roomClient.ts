import { ApiError, Code } from '../api';
import type { Socket } from '../socket';
import { endingOf, isShut, type Ending } from './ending';
import { predict } from './predict';
import { isNewer, type Ack, type Op, type Report, type RoomState } from './protocol';
import type { People, RoomUser, Snapshot, StateChange, SyncMode, You } from './protocol';

export interface RoomClientOptions {
  id: string;
  socket: Pick<Socket, 'request' | 'on' | 'onState' | 'state'>;
  /** The present time on the server's clock, in milliseconds. */
  serverNow: () => number;
  newId?: () => string;
  /** The room lets this person in, for the first time or again. */
  onAttended?: (snapshot: Snapshot) => void;
  /** No events of the room come any more, until it lets this person in again. */
  onLost?: () => void;
  /** State, people or what this person may do has changed. */
  onChange: () => void;
  /** The room has started, is complete or was changed; its playlist has changed. */
  onRoom?: (what: 'phase' | 'playlist') => void;
  /** The room does not let this person in. */
  onRefused?: (error: ApiError) => void;
  /** The room is over for this person: nothing is asked of it any more. */
  onEnded?: (ending: Ending) => void;
  /** A command was not carried out. */
  onProblem?: (message: string) => void;
}

const RETRY_SUBSCRIBE_MS = 1500;
const LOST = 'The connection was lost before the room heard of what you did last.';
/** People of one page of the list of all. */
const PAGE = 100;

/** `crypto.randomUUID` would need a secure page, which a server in a studio's own network often is not. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

interface IdData {
  id: string;
}

/** True if a later wish makes an earlier one that has not been sent yet pointless. */
function supersedes(later: Op, earlier: Op): boolean {
  if (earlier.op === 'SEEK') return ['SEEK', 'STEP', 'PAUSE', 'PLAY', 'LOAD'].includes(later.op);
  if (earlier.op === 'COMPARE') return later.op === 'COMPARE' || later.op === 'LOAD';
  if (earlier.op === 'STEP') return ['STEP', 'PAUSE', 'PLAY', 'LOAD'].includes(later.op);
  return false;
}

/** True if a room that carries this out is another one afterwards, so that it cannot have done so unseen. */
function alwaysChanges(op: Op): boolean {
  return ['LOAD', 'PLAY', 'PAUSE', 'STEP', 'SEEK'].includes(op.op);
}

/** Something a person wants, and what they saw when they wanted it. */
interface Wish {
  op: Op;
  /** The revision of the room. */
  seen: number;
  /** What is on show and who drives, once the person's own earlier wishes are fulfilled. */
  asset_id: string | null;
  sync_mode: SyncMode;
}

/**
 * True if a wish still means the same. A frame is one of a clip; and whoever wanted something while others could drive,
 * or nobody, did not know what they would undo now.
 */
function stillMeant(wish: Wish, state: RoomState): boolean {
  if (['LOAD', 'MODE', 'DRIVE', 'LIVE_CEILING'].includes(wish.op.op)) return true;
  return wish.asset_id === state.asset_id && wish.sync_mode === state.sync_mode;
}

/**
 * One person's side of a room: attends it as long as there is a connection, keeps the newest state, and sends
 * commands one after another, so that each names the state that its sender really saw.
 */
export class RoomClient {
  readonly #options: Required<RoomClientOptions>;
  readonly #stops: Array<() => void> = [];
  readonly #queue: Wish[] = [];
  /** The wish that the room has not answered yet. */
  #sending: Wish | null = null;
  /** The last command that was sent, as long as nobody knows here what became of it. */
  #unsure: { cmd_id: string; op: Op } | null = null;
  #state: RoomState | null = null;
  /** What the person sees of their own commands until the room has answered them. */
  #predicted: RoomState | null = null;
  #ackedRev = 0;
  #attending = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #attended = false;
  #ended = false;
  /** The room said no, and will go on to until it is changed: it is asked again then. */
  #shut = false;
  /** Whom the room tells of. */
  #told: People = { users: [], online: 0, more: false };
  /** Others of a crowd, who were asked for: as they were then. */
  #others: readonly RoomUser[] = [];
  /** The last one of the pages that were asked for; null once there are no others. */
  #asked: string | null | undefined;
  you: You | null = null;
  /** How old a live picture shall be when it is shown, in milliseconds; null while that is not known. */
  liveDelayMs: number | null = null;

  constructor(options: RoomClientOptions) {
    this.#options = {
      newId: randomId,
      onAttended: () => undefined,
      onLost: () => undefined,
      onRoom: () => undefined,
      onRefused: () => undefined,
      onEnded: () => undefined,
      onProblem: () => undefined,
      ...options,
    };
    this.#listen();
    if (options.socket.state === 'online') void this.#subscribe();
  }

  /** The state to show: the room's, with this person's own unanswered commands on top. */
  get state(): RoomState | null {
    return this.#predicted ?? this.#state;
  }

  /** Everybody who is known to be in the room, or to have been until a while ago. */
  get users(): readonly RoomUser[] {
    if (this.#others.length === 0) return this.#told.users;
    const told = new Set(this.#told.users.map((user) => user.user_id));
    return [...this.#told.users, ...this.#others.filter((user) => !told.has(user.user_id))];
  }

  /** How many are there now. */
  get online(): number {
    return this.#told.online;
  }

  /** True if there are others, for whom to ask with `morePeople`. */
  get more(): boolean {
    return this.#told.more && this.#asked !== null;
  }

  /** True while the room's events reach this client. */
  get attending(): boolean {
    return this.#attending;
  }

  /** Sends a command, after those before it. What it changes is seen at once where that can be foreseen. */
  command(op: Op): void {
    const state = this.state;
    if (!state || !this.#attending) return;
    while (this.#queue.length > 0 && supersedes(op, this.#queue.at(-1)!.op)) this.#queue.pop();
    this.#queue.push(this.#wish(op, state));
    this.#predicted = predict(state, op, this.#options.serverNow());
    this.#options.onChange();
    void this.#send();
  }

  /** Asks for others of a crowd, who are not listed yet. */
  async morePeople(): Promise<void> {
    if (!this.#attending || !this.more) return;
    const { socket, id } = this.#options;
    const after = this.#asked;
    const data = { id, limit: PAGE, ...(after ? { after } : {}) };
    let page: People;
    try {
      page = await socket.request<People>('rushes/room/users', data);
    } catch (error) {
      if (error instanceof ApiError) this.#options.onProblem(error.message);
      return;
    }
    // The list began anew meanwhile, or the same page was asked for twice.
    if (this.#asked !== after || !this.#told.more) return;
    this.#others = [...this.#others, ...page.users];
    this.#asked = page.more ? (page.users.at(-1)?.user_id ?? null) : null;
    this.#options.onChange();
  }

  report(report: Report): void {
    if (!this.#attending) return;
    this.#options.socket
      .request('rushes/room/report', { id: this.#options.id, ...report })
      .catch(() => undefined);
  }

  close(): void {
    clearTimeout(this.#retry);
    for (const stop of this.#stops) stop();
    if (this.#attending) {
      this.#options.socket
        .request('rushes/room/unsubscribe', { id: this.#options.id })
        .catch(() => undefined);
    }
    this.#attending = false;
  }

  #listen(): void {
    const { socket, id, onRoom } = this.#options;
    const on = <T extends IdData>(type: string, listener: (data: T) => void) =>
      this.#stops.push(
        socket.on(type, (data) => {
          if ((data as T).id === id) listener(data as T);
        }),
      );
    on<StateChange>('REVIEW_SESSION_STATE_CHANGED', ({ state, cmd_id }) => {
      if (cmd_id === this.#unsure?.cmd_id) this.#unsure = null;
      this.#accept(state);
    });
    on<IdData & People>('REVIEW_SESSION_USERS_CHANGED', (people) => this.#setPeople(people));
    on<IdData & { delay_ms: number }>('REVIEW_SESSION_LIVE_DELAY_CHANGED', ({ delay_ms }) => {
      this.liveDelayMs = delay_ms;
      this.#options.onChange();
    });
    on<IdData & { host_user_ids: string[] }>('REVIEW_SESSION_HOSTS_CHANGED', (data) =>
      this.#setHosts(data.host_user_ids),
    );
    on<IdData & { reason: string }>('REVIEW_SESSION_CLOSED', ({ reason }) => {
      const ending = endingOf(reason);
      if (ending) return this.#end(ending);
      this.#lost();
      if (reason !== 'REPLACED') void this.#subscribe();
    });
    // On all connections of whoever may know of it, also of those that were not let in.
    on('REVIEW_SESSION_REMOVED', () => this.#end('removed'));
    on('REVIEW_SESSION_DELETED', () => this.#end('deleted'));
    const phase = () => {
      if (this.#shut && socket.state === 'online') void this.#subscribe();
      onRoom('phase');
    };
    on('REVIEW_SESSION_STARTED', phase);
    on('REVIEW_SESSION_COMPLETE', () => onRoom('phase'));
    on('REVIEW_SESSION_UPDATED', phase);
    on('REVIEW_SESSION_PLAYLIST_ASSETS_UPDATED', () => onRoom('playlist'));
    this.#stops.push(
      socket.onState((state) => {
        if (state === 'online') void this.#subscribe();
        else this.#lost();
      }),
    );
  }

  async #subscribe(): Promise<void> {
    clearTimeout(this.#retry);
    this.#shut = false;
    const { socket, id } = this.#options;
    const before = this.#state;
    const data = { id, ...(before ? { since: before.rev } : {}) };
    try {
      const snapshot = await socket.request<Snapshot>('rushes/room/subscribe', data);
      if (this.#ended) return;
      this.#learn(snapshot.missed);
      this.#attending = true;
      this.#attended = true;
      this.#queue.length = 0;
      this.#predicted = null;
      // What the room says on arrival holds, whatever was known of it before; but an event may overtake the answer.
      const overtook =
        this.#state !== before && this.#state && isNewer(this.#state, snapshot.state);
      if (!overtook) this.#state = snapshot.state;
      this.you = snapshot.you;
      this.#others = [];
      this.#asked = undefined;
      this.#tell(snapshot);
      this.#options.onAttended(snapshot);
      this.liveDelayMs = snapshot.live_delay_ms;
      this.#options.onChange();
    } catch (error) {
      if (!(error instanceof ApiError) || this.#ended) return;
      if (this.#attended && isShut(error.code)) return this.#end('gone');
      this.#options.onRefused(error);
      // A room that is over may be opened again, and who is no stranger any more is told of the room.
      this.#shut = isShut(error.code) || error.code === Code.ROOM_COMPLETE;
      if (this.#shut) return;
      this.#retry = setTimeout(() => {
        if (socket.state === 'online') void this.#subscribe();
      }, RETRY_SUBSCRIBE_MS);
    }
  }

  /** Says so if the room does not know of the command that was under way when the connection was lost. */
  #learn(missed: readonly StateChange[] | null): void {
    const unsure = this.#unsure;
    this.#unsure = null;
    if (!unsure || !missed || !alwaysChanges(unsure.op)) return;
    if (missed.every((change) => change.cmd_id !== unsure.cmd_id)) this.#options.onProblem(LOST);
  }

  #end(ending: Ending): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lost();
    this.close();
    this.#options.onEnded(ending);
  }

  #lost(): void {
    clearTimeout(this.#retry);
    this.#attending = false;
    this.#options.onLost();
    this.#queue.length = 0;
    this.#predicted = null;
    this.#options.onChange();
  }

  #accept(state: RoomState): void {
    const known = this.#state;
    if (known && !isNewer(state, known)) return;
    this.#state = state;
    if (known?.sync_mode !== state.sync_mode) this.#setMode(state.sync_mode);
    this.#settle();
    this.#options.onChange();
  }

  #wish(op: Op, shown: RoomState): Wish {
    let { asset_id, sync_mode } = shown;
    for (const earlier of [this.#sending, ...this.#queue]) {
      if (earlier?.op.op === 'LOAD') asset_id = earlier.op.asset_id;
      if (earlier?.op.op === 'MODE') sync_mode = earlier.op.sync_mode;
    }
    return { op, seen: this.#state?.rev ?? 0, asset_id, sync_mode };
  }

  /** Prediction ends when every command is answered and the state that came of the last one is here. */
  #settle(): void {
    const answered = this.#sending === null && this.#queue.length === 0;
    if (answered && (this.#state?.rev ?? 0) >= this.#ackedRev) this.#predicted = null;
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    for (let wish = this.#queue.shift(); wish; wish = this.#queue.shift()) {
      if (this.#overtaken(wish)) {
        this.#predicted = null;
        continue;
      }
      this.#sending = wish;
      const again = await this.#attempt(wish);
      // Only the epoch was another: said once more in the new one.
      if (again && this.#queue.length === 0) await this.#attempt(wish);
    }
    this.#sending = null;
    this.#settle();
    this.#options.onChange();
  }

  /** True if others showed something else, or changed who drives, while a wish waited. */
  #overtaken(wish: Wish): boolean {
    const state = this.#state;
    // What came of this person's own last command may be still on its way.
    return !!state && state.rev >= this.#ackedRev && !stillMeant(wish, state);
  }

  /** True if the command was refused only because its sender had not seen the newest epoch, and is meant all the same. */
  async #attempt(wish: Wish): Promise<boolean> {
    const { socket, id, newId } = this.#options;
    const { epoch = 0 } = this.#state ?? {};
    // What others did since is unseen: the room decides whether the wish still counts.
    const unsure = { cmd_id: newId(), op: wish.op };
    const data = { id, cmd_id: unsure.cmd_id, epoch, base_rev: wish.seen, ...wish.op };
    this.#unsure = unsure;
    try {
      const ack = await socket.request<Ack>('rushes/room/command', data);
      if (this.#unsure === unsure) this.#unsure = null;
      this.#ackedRev = Math.max(this.#ackedRev, ack.rev);
      return false;
    } catch (error) {
      this.#ackedRev = 0;
      this.#predicted = null;
      if (!(error instanceof ApiError)) return false;
      if (this.#unsure === unsure) this.#unsure = null;
      const snapshot = error.details.snapshot as RoomState | undefined;
      if (snapshot) this.#accept(snapshot);
      if (error.code === Code.STALE) {
        return !!snapshot && snapshot.epoch !== epoch && stillMeant(wish, snapshot);
      }
      if (error.code !== Code.TOO_FAST) this.#options.onProblem(error.message);
      return false;
    }
  }

  #tell({ users, online, more }: People): void {
    this.#told = { users, online, more };
    if (more) return;
    this.#others = [];
    this.#asked = undefined;
  }

  #setPeople(people: People): void {
    this.#tell(people);
    const me = people.users.find((user) => user.user_id === this.you?.user_id);
    if (me) this.#setHost(me.is_host);
    this.#options.onChange();
  }

  #setHosts(hosts: readonly string[]): void {
    const named = (user: RoomUser) => ({ ...user, is_host: hosts.includes(user.user_id) });
    this.#told = { ...this.#told, users: this.#told.users.map(named) };
    this.#others = this.#others.map(named);
    if (this.you) this.#setHost(hosts.includes(this.you.user_id));
    this.#options.onChange();
  }

  #setHost(isHost: boolean): void {
    if (!this.you || this.you.is_host === isHost) return;
    this.you = { ...this.you, is_host: isHost };
    this.#setMode(this.#state?.sync_mode ?? 'HOST');
  }

  #setMode(mode: SyncMode): void {
    if (!this.you) return;
    const can_drive = mode === 'EVERYONE' || (mode === 'HOST' && this.you.is_host);
    this.you = { ...this.you, can_drive };
  }
}
