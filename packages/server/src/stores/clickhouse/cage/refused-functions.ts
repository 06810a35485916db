/**
 * Functions that user SQL may not use although they are ClickHouse's own, by what they would do. The list of allowed ones
 * (functions.gen.ts) is everything else that the bundled release has; what neither knows is refused on any server that has it.
 * Patterns, because families grow.
 */

/** These reach outside the query with a value of the query: their bare name is refused too, since `arrayMap(file, …)` calls them. */
const reaching: readonly RegExp[] = [
  /^file$/i, // any file of the machine, whatever the user's grants are
  /^(dictGet|dictHas|dictIsIn|joinGet)/i, // dictionaries and join tables have no row filters
  /^region(To|In$|Hierarchy)/i,
  /^(catboostEvaluate|evalMLMethod|naiveBayesClassifier)/i, // models from files
  /^ai(Classify|Embed|Extract|Generate|Translate)/i, // services on the network
  /^(addressTo|demangle$|logTrace$|filesystem(Available|Capacity|Unreserved)|sleepEachRow$)/i,
]

/** These tell of the machine, its configuration or the engine's inside, or do nothing useful at a price. */
const telling: readonly RegExp[] = [
  /^(hostName|FQDN|tcpPort|getServerPort|getMacro|getServerSetting|getMergeTreeSetting|serverUUID|showCertificate)$/i,
  /^(getOSKernelVersion|buildId|uptime|zookeeper\w+|shardNum|shardCount|globalVariable|connectionId|transaction\w+)$/i,
  /^(getClientHTTPHeader|getMaxTableNameLengthForDatabase|hasThreadFuzzer|partitionId|hasColumnInTable)$/i,
  /^((current|enabled|default)(Profiles|Roles)|currentUser|authenticatedUser|user|current_user)$/i,
  /^(tid|mergeTreePart\w*|isMergeTreePart\w*|flameGraph|trap|estimateCompressionRatio|chdb|aggThrow|__\w+)$/i,
  /^(sleep|generateSerialID|fuzzQuery|fuzzBits|obfuscateQuery\w*|generateRandomStructure|structureTo\w+|initializeAggregation)$/i,
  // Kept in memory beyond the query.
  /^timeSeries(Store|Id|Tags|Copy|Remove|Replace|Join|Group|Extract|Throw)\w*$/i,
]

/** Table functions that read nothing but their arguments. */
export const allowedTableFunctions: ReadonlySet<string> = new Set([
  'numbers',
  'numbers_mt',
  'zeros',
  'zeros_mt',
  'generateseries',
  'generate_series',
  'values',
  'view',
  'null',
])

export function isRefused(name: string): boolean {
  return isReaching(name) || telling.some((pattern) => pattern.test(name))
}

export function isReaching(name: string): boolean {
  return reaching.some((pattern) => pattern.test(name))
}
