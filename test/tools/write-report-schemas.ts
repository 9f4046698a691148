/** Writes the schemas of reports and verdicts: `npm exec -c 'node test/tools/write-report-schemas.ts'`. */
import { writeFileSync } from 'node:fs';
import { REPORT_SCHEMA, toPublished, VERDICT_SCHEMA } from './report-schema.ts';

writeFileSync('schemas/report-1.schema.json', toPublished(REPORT_SCHEMA, 'understudy.report/1'));
writeFileSync('schemas/verdict-1.schema.json', toPublished(VERDICT_SCHEMA, 'understudy.verdict/1'));
