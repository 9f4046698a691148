/** Family F: what a caller can send, valid and not. */
import { FRAMING_CASES } from './framing-cases.ts';
import { runCases } from './run-cases.ts';

runCases(FRAMING_CASES);
