/**
 * Imported for its effect, and before `onnxruntime-node`: from 1.29 on, its builds for Linux and macOS report
 * each process and session (names of model file and graph, hashes of weights and graph) to their vendor and keep
 * an identifier of the machine in the user's cache folder, unless this variable is set when the library loads.
 * What a user scores, and with which model, is nobody else's affair.
 *
 * Source: microsoft/onnxruntime pull request 27379; test/model/no-telemetry.test.ts holds it.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';
