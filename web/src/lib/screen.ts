/** People's screens: whether one's own can be had, what to say when it cannot, and whose one in the room is. */
import type { Asset } from './api';

/** Why the screen cannot be shared, in words for the person in front of the page. */
export class ScreenError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ScreenError';
  }
}

const INSECURE =
  'Browsers give the screen to secure pages only. Open Rushes by an https:// address; ' +
  'on the machine that it runs on, http://localhost works too.';

/** What this module needs of its surroundings, so that tests can stand in for them. */
export interface Surroundings {
  devices: Pick<MediaDevices, 'getDisplayMedia'> | undefined;
  secure: boolean;
  /** Whether a finger is what this machine is used with. Some phones have the function, and it always fails. */
  touch: boolean;
}

export function surroundings(): Surroundings {
  return {
    devices: globalThis.navigator?.mediaDevices,
    secure: globalThis.isSecureContext ?? false,
    touch: globalThis.matchMedia?.('(pointer: coarse)').matches ?? false,
  };
}

/** Whether to offer it: also on a page that is not secure, where the person is told what is missing. */
export function canShareScreen(around = surroundings()): boolean {
  if (around.touch) return false;
  return !around.secure || typeof around.devices?.getDisplayMedia === 'function';
}

/** The browser's error in words; null if the person changed their mind, which needs none. */
export function inWords(error: unknown): string | null {
  const { name, message } = (error ?? {}) as { name?: string; message?: string };
  switch (name) {
    case 'NotAllowedError':
      // Both are the same error: closing the browser's dialogue, and a system that forbids it.
      return /system|policy/i.test(message ?? '')
        ? 'The system does not let the browser record the screen. Allow it in the privacy settings, and try again.'
        : null;
    case 'NotFoundError':
      return 'There is no screen or window to share.';
    case 'NotReadableError':
    case 'AbortError':
      return 'The screen cannot be recorded. Perhaps the system forbids it, or another program is in the way.';
    default:
      return 'The screen cannot be shared.';
  }
}

/**
 * Asks the person for a screen, a window or a tab, with its sound where the browser gives it. Null if they
 * chose none.
 *
 * @throws {ScreenError} if it cannot be had
 */
export async function openScreen(around = surroundings()): Promise<MediaStream | null> {
  if (!around.secure) throw new ScreenError(INSECURE);
  if (!around.devices?.getDisplayMedia) {
    throw new ScreenError('This browser cannot share a screen.');
  }
  try {
    const stream = await around.devices.getDisplayMedia({
      video: { frameRate: { max: 30 } },
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      systemAudio: 'include',
      surfaceSwitching: 'include',
    } as DisplayMediaStreamOptions);
    for (const track of stream.getVideoTracks()) track.contentHint = 'detail';
    for (const track of stream.getAudioTracks()) track.contentHint = 'music';
    return stream;
  } catch (error) {
    const words = inWords(error);
    if (words === null) return null;
    throw new ScreenError(words, { cause: error });
  }
}

/**
 * Who shares the screen that an asset of a room is; null for everything else. Sources of a folder stand in a
 * batch of it, and only what is the room's own stands in none.
 */
export function sharedBy(asset: Pick<Asset, 'is_live' | 'batch_id' | 'user_id'>): string | null {
  return asset.is_live && asset.batch_id === null ? asset.user_id : null;
}
