import { Code } from '../api';

/**
 * Why a room is over for one person while others may go on: they lost their seat, or nobody may come in any more. `gone`
 * is either: whoever was away when it happened is told no more than that there is no such room for them.
 */
export type Ending = 'removed' | 'deleted' | 'gone';

/** What the reason of `REVIEW_SESSION_CLOSED` means; null if the room may be asked again. */
export function endingOf(reason: string): Ending | null {
  if (reason === 'REMOVED') return 'removed';
  return reason === 'DELETED' ? 'deleted' : null;
}

const NOT_FOR_THEM: readonly number[] = [
  Code.DENIED,
  Code.NOT_FOUND,
  Code.ROOM_NOT_FOUND,
  Code.NOT_IN_ROOM,
];

/** True if a room does not know this person, or not any more: asking again changes nothing. */
export function isShut(code: number): boolean {
  return NOT_FOR_THEM.includes(code);
}

/** What the page says of an ending. */
export function endingInWords(ending: Ending): { title: string; text: string } {
  switch (ending) {
    case 'removed':
      return {
        title: 'You were removed from this room',
        text: 'A host has taken you off its list. You can come back once they invite you again.',
      };
    case 'deleted':
      return {
        title: 'This room was deleted',
        text: 'Nobody can come in any more, and its link does not work any longer.',
      };
    case 'gone':
      return {
        title: 'This room is not open to you any more',
        text: 'While you were away you were removed from it, or it was deleted.',
      };
  }
}
