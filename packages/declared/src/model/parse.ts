/** A model file, whole: its text in, the model or every fault at once out. */
import { checkShape, createReporter } from '../file/check.ts';
import { type ModelFault, readDocument } from '../file/document.ts';
import { fileKind, type ModelFile } from '../file/shape.ts';
import { resolveModel } from './resolve.ts';
import type { DeclaredModel } from './types.ts';

export type ParsedModel = { readonly model: DeclaredModel } | { readonly faults: readonly ModelFault[] };

/** Pure and total. `text`: YAML or JSON. */
export function parseModel(text: string): ParsedModel {
  const document = readDocument(text);
  if ('faults' in document) return document;
  const report = createReporter(document);
  checkShape(fileKind, document.value, [], report);
  // What contradicts itself can be told only of a file whose parts are what they should be.
  if (report.faults.length > 0) return { faults: report.faults };
  const model = resolveModel(document.value as ModelFile, report);
  return report.faults.length > 0 ? { faults: report.faults } : { model };
}

/** `file:3:5: unknown key …`: one line a fault, as compilers write them. */
export function faultLines(file: string, faults: readonly ModelFault[]): readonly string[] {
  return faults.map(({ line, column, reason }) => `${file}:${line}:${column}: ${reason}`);
}
