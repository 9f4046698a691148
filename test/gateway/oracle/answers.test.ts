/** Families B, H, E and U: answers, their heads, expectations and upgrades. */
import { ANSWER_CASES } from './answer-cases.ts';
import { runCases } from './run-cases.ts';

runCases(ANSWER_CASES);
