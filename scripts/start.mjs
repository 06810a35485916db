// `npm start [-- arguments of millrace start]`
process.argv.splice(2, 0, 'packages/server/bin/millrace.mjs', 'start')
await import('./run.mjs')
