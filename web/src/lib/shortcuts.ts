/** What a key asks of the room page. Frames and seconds are relative to where the picture stands. */
export type Shortcut =
  | { do: 'toggle' }
  | { do: 'pause' }
  | { do: 'faster' }
  | { do: 'frames'; by: number }
  | { do: 'seconds'; by: number }
  | { do: 'start' }
  | { do: 'end' }
  | { do: 'reverse' }
  | { do: 'in' }
  | { do: 'out' }
  | { do: 'loop' }
  | { do: 'mute' }
  | { do: 'fullscreen' }
  | { do: 'draw' }
  | { do: 'point' }
  | { do: 'help' };

/** What this module needs of a `KeyboardEvent`. */
export interface KeyPress {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  defaultPrevented: boolean;
  target: unknown;
}

interface ElementLike {
  tagName: string;
  isContentEditable?: boolean;
  type?: string;
  closest?: (selector: string) => unknown;
}

const keys: Record<string, Shortcut> = {
  ' ': { do: 'toggle' },
  k: { do: 'pause' },
  l: { do: 'faster' },
  j: { do: 'reverse' },
  i: { do: 'in' },
  o: { do: 'out' },
  ArrowLeft: { do: 'frames', by: -1 },
  ArrowRight: { do: 'frames', by: 1 },
  'Shift+ArrowLeft': { do: 'seconds', by: -1 },
  'Shift+ArrowRight': { do: 'seconds', by: 1 },
  Home: { do: 'start' },
  End: { do: 'end' },
  r: { do: 'loop' },
  m: { do: 'mute' },
  f: { do: 'fullscreen' },
  d: { do: 'draw' },
  p: { do: 'point' },
  'Shift+?': { do: 'help' },
  '?': { do: 'help' },
};

/** Parts of the page that use the keys themselves while they are open or focused. */
const OWN_KEYS = '[role=menu],[role=listbox],[role=dialog],[role=tablist],[role=radiogroup]';

function isElement(target: unknown): target is ElementLike {
  return typeof target === 'object' && target !== null && 'tagName' in target;
}

/** True if the focused element needs this key itself. */
function isTaken(target: unknown, key: string): boolean {
  if (!isElement(target)) return false;
  if (target.isContentEditable || target.closest?.(OWN_KEYS)) return true;
  switch (target.tagName) {
    case 'INPUT':
      // The seek bar takes the keys that move it; a text field takes all of them.
      return target.type !== 'range' || key.startsWith('Arrow') || key === 'Home' || key === 'End';
    case 'TEXTAREA':
    case 'SELECT':
      return true;
    case 'BUTTON':
    case 'A':
      return key === ' ';
    default:
      return false;
  }
}

/** The meaning of a key press, or null if it is none of the page's business. */
export function shortcutOf(press: KeyPress): Shortcut | null {
  if (press.defaultPrevented || press.ctrlKey || press.metaKey || press.altKey) return null;
  if (isTaken(press.target, press.key)) return null;
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  return keys[press.shiftKey ? `Shift+${key}` : key] ?? null;
}

/** For the help page: the keys as they are written on a keyboard, and what they do. */
export const shortcutHelp: ReadonlyArray<readonly [string[], string]> = [
  [['Space'], 'Play or pause'],
  [['←', '→'], 'One frame back or forward'],
  [['Shift ←', 'Shift →'], 'One second back or forward'],
  [['Home', 'End'], 'First or last frame'],
  [['J', 'K', 'L'], 'Backwards, pause, play and faster'],
  [['I', 'O'], 'Loop from here, loop to here'],
  [['R'], 'Loop on or off'],
  [['V'], 'Talk while it is held, when muted'],
  [['M'], 'Sound on or off'],
  [['F'], 'Full screen'],
  [['D', 'P'], 'Draw on the picture, point at it'],
  [['Ctrl Z'], 'Take the last line back'],
  [['?'], 'This list'],
];
