/** browser.proto's enums as they stand in the columns, by number from 1; 0 is unspecified. A test compares them with the .proto. */
export const navigationTriggers = ['link', 'typed', 'bookmark', 'back', 'ai_suggest'] as const
export const metricNames = ['FCP', 'LCP', 'CLS', 'FID', 'TTFB', 'INP'] as const
export const adActions = ['impression', 'viewable', 'click', 'conversion'] as const
