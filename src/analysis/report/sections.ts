/** All sections of a report, in their order. Pure. */
import { coverageSection, recordSection, verdictSection } from './decision-sections.ts';
import { failureSection, latencySection, scoreSection } from './difference-sections.ts';
import { headlineSection, qualitySection } from './quality-sections.ts';
import type { ReportModel } from './report-model.ts';
import type { Section } from './section.ts';
import { exampleSection, segmentSection, timeSection } from './where-sections.ts';

export function toSections(model: ReportModel): Section[] {
  return [
    ...headlineSection(model),
    verdictSection(model),
    ...qualitySection(model),
    coverageSection(model),
    failureSection(model),
    scoreSection(model),
    latencySection(model),
    timeSection(model),
    segmentSection(model),
    exampleSection(model),
    recordSection(model),
  ];
}
