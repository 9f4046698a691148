/** The header that marks a copy, so that a marked request is never mirrored again: the loop guard. */
export const SHADOW_HEADER = 'x-understudy-shadow';
