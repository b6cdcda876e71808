import { ApiError, ApiPart, type Api, type Asset, type Room } from '../api';

/** What whoever may change a room says of it. */
export interface RoomSettings {
  name: string;
  description: string;
  mute_participants_on_entry: boolean;
  allow_participants_to_unmute_self: boolean;
}

/** The longest name and description of a room, in characters. */
export const NAME_MOST = 45;
export const DESCRIPTION_MOST = 1024;

/** Somebody with a seat in a room, here or away. */
export interface RoomPerson {
  id: string;
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  is_host: boolean | null;
  user_type: 'USER' | 'GUEST' | null;
}

/** What can be saved of a room: how the menu calls it, and what the server and the file call it. */
export const DOWNLOADS = [
  { label: 'Log (JSON lines)', file: 'log.jsonl' },
  { label: 'Markers (OpenTimelineIO)', file: 'log.otio' },
  { label: 'Attendance (JSON)', file: 'attendance.json' },
  { label: 'Chat (text)', file: 'chat.txt' },
  { label: 'Chat (JSON lines)', file: 'chat.jsonl' },
] as const;
export type RoomFile = (typeof DOWNLOADS)[number]['file'];

/** What belongs to a room and has an address of its own. */
const pathIn = (id: string, ...parts: string[]): string =>
  ['/rooms', ...[id, ...parts].map(encodeURIComponent)].join('/');

/** The calls that change rooms and what they show. */
export class RoomsApi extends ApiPart<Pick<Api, 'call' | 'delete' | 'file' | 'put'>> {
  create(production: string, settings: RoomSettings): Promise<Room> {
    return this.call('/create/review_session', { group_id: production, ...settings });
  }

  update(id: string, settings: RoomSettings): Promise<Room> {
    return this.call('/update/review_session', { id, ...settings });
  }

  /** Starts a room, or opens it again. */
  start(id: string): Promise<Room> {
    return this.call('/start/review_session', { id });
  }

  /** Says when a room is to begin. */
  schedule(id: string, begin: Date): Promise<Room> {
    return this.api.put(pathIn(id, 'schedule'), { start_time: begin.toISOString() }, this.token);
  }

  /** Makes a planned room a draft again. */
  unschedule(id: string): Promise<void> {
    return this.api.delete(pathIn(id, 'schedule'), this.token);
  }

  complete(id: string): Promise<Room> {
    return this.call('/complete/review_session', { id });
  }

  delete(id: string): Promise<unknown> {
    return this.call('/delete/review_session', { id });
  }

  people(id: string): Promise<RoomPerson[]> {
    return this.call('/get/review_session/users', { id, include_owner: true });
  }

  /** Sends a link by mail: of the room to who has an account, to anybody else one that makes them a guest of it. */
  invite(id: string, emails: readonly string[]): Promise<unknown> {
    return this.call('/create/review_session/users', { review_session_id: id, emails });
  }

  /** Makes somebody a host of a room, or no host any more. */
  setHost(id: string, userId: string, isHost: boolean): Promise<unknown> {
    return this.call('/set/review_session/user/host', { id, user_id: userId, is_host: isHost });
  }

  /** Takes somebody's seat away, and nobody else's, whoever is invited meanwhile. */
  remove(id: string, userId: string): Promise<void> {
    return this.api.delete(pathIn(id, 'users', userId), this.token);
  }

  /** Sets the order of what a room shows; `places` are `review_session_asset_id`s. */
  order(id: string, places: readonly string[]): Promise<unknown> {
    return this.call('/update/review_session/assets', { id, review_session_asset_ids: places });
  }

  /** Puts assets at the end of a room's own playlist. */
  addAssets(playlist: string, assets: readonly string[]): Promise<unknown> {
    return this.call('/add/playlist/assets', { id: playlist, asset_ids: assets });
  }

  /** Takes an entry off a room's own playlist; the asset itself stays. */
  removePlace(playlist: string, place: string): Promise<unknown> {
    return this.call('/remove/playlist/assets', { id: playlist, playlist_asset_ids: [place] });
  }

  /** The folders of a production that one sees. */
  folders(production: string): Promise<{ id: string; name: string }[]> {
    return this.call('/get/projects', { group_id: production });
  }

  assets(folder: string): Promise<Asset[]> {
    return this.call('/get/assets', { project_id: folder });
  }

  download(id: string, file: RoomFile): Promise<Blob> {
    return this.api.file(pathIn(id, file), this.token);
  }
}

/** True if a person may change the room at all. Guests may not, also when they are hosts; they are shown no teams. */
export function mayKeep(room: Room | null): boolean {
  return !!room?.can_edit && room.can_show_teams !== false;
}

/** True if a person may delete the room: its owner may, and who may change it without being a host administers it. */
export function mayDelete(room: Room): boolean {
  return mayKeep(room) && (!!room.is_owner || !room.is_host);
}

const WORDS: Readonly<Record<number, string>> = {
  403: 'You may not do this in this room.',
  671: 'Nothing of its playlists may be shown, so the room cannot be opened.',
  676: 'The room has as many people as it can take.',
  803: 'The production has as many open rooms as it may have. Complete one of them first.',
};

/** What went wrong, in words; where it is about something that was typed, with what is wrong about it. */
export function problemInWords(error: unknown): string {
  if (!(error instanceof ApiError)) return (error as Error).message;
  const field = error.fields[0]?.message;
  const words = WORDS[error.code] ?? error.message;
  const told = field ? `${words.replace(/\.$/, '')}: ${field}` : words;
  return told.charAt(0).toUpperCase() + told.slice(1);
}

/** The addresses in what somebody typed or pasted, each once; commas, semicolons and white space lie between them. */
export function addressesIn(text: string): string[] {
  const found = text.split(/[\s,;]+/).filter(Boolean);
  return [...new Map(found.map((address) => [address.toLowerCase(), address])).values()];
}

/** A list with the entry at `index` moved by so many places, as far as there are any. */
export function moved<T>(list: readonly T[], index: number, by: number): T[] {
  const entry = list[index];
  if (entry === undefined) return [...list];
  const others = list.filter((_, at) => at !== index);
  const to = Math.min(others.length, Math.max(0, index + by));
  return [...others.slice(0, to), entry, ...others.slice(to)];
}

/** What a saved file is called: by its room, in characters that every system takes. */
export function fileName(room: string, file: RoomFile): string {
  const base = room
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60);
  return `${base || 'room'}-${file}`;
}

/** What somebody is called in a list: their name, or else their address. */
export function nameOf(person: RoomPerson): string {
  const name = [person.first_name, person.last_name].filter(Boolean).join(' ').trim();
  return name || person.email || 'Guest';
}
