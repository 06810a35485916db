/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

// Exported root namespace
const $root = $protobuf.roots["millrace"] || ($protobuf.roots["millrace"] = {});

export const millrace = $root.millrace = (() => {

    /**
     * Namespace millrace.
     * @exports millrace
     * @namespace
     */
    const millrace = {};

    millrace.v1 = (function() {

        /**
         * Namespace v1.
         * @memberof millrace
         * @namespace
         */
        const v1 = {};

        v1.EventBatch = (function() {

            /**
             * Properties of an EventBatch.
             * @typedef {Object} millrace.v1.EventBatch.$Properties
             * @property {string} [batchId] EventBatch batchId
             * @property {number|Long} [seqNumber] EventBatch seqNumber
             * @property {string} [sdkVersion] EventBatch sdkVersion
             * @property {number|Long} [sentAt] EventBatch sentAt
             * @property {string} [deviceId] EventBatch deviceId
             * @property {Array.<millrace.v1.BrowserEvent.$Properties>} [events] EventBatch events
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an EventBatch.
             * @memberof millrace.v1
             * @interface IEventBatch
             * @augments millrace.v1.EventBatch.$Properties
             * @deprecated Use millrace.v1.EventBatch.$Properties instead.
             */

            /**
             * Shape of an EventBatch.
             * @typedef {{
             *   batchId?: string;
             *   seqNumber?: number|Long;
             *   sdkVersion?: string;
             *   sentAt?: number|Long;
             *   deviceId?: string;
             *   events?: Array.<millrace.v1.BrowserEvent.$Shape>;
             *   $unknowns?: Array.<Uint8Array>;
             * }} millrace.v1.EventBatch.$Shape
             */

            /**
             * Constructs a new EventBatch.
             * @memberof millrace.v1
             * @classdesc Represents an EventBatch.
             * @constructor
             * @param {millrace.v1.EventBatch.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const EventBatch = function (properties) {
                this.events = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * EventBatch batchId.
             * @member {string} batchId
             * @memberof millrace.v1.EventBatch
             * @instance
             */
            EventBatch.prototype.batchId = "";

            /**
             * EventBatch seqNumber.
             * @member {number|Long} seqNumber
             * @memberof millrace.v1.EventBatch
             * @instance
             */
            EventBatch.prototype.seqNumber = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * EventBatch sdkVersion.
             * @member {string} sdkVersion
             * @memberof millrace.v1.EventBatch
             * @instance
             */
            EventBatch.prototype.sdkVersion = "";

            /**
             * EventBatch sentAt.
             * @member {number|Long} sentAt
             * @memberof millrace.v1.EventBatch
             * @instance
             */
            EventBatch.prototype.sentAt = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

            /**
             * EventBatch deviceId.
             * @member {string} deviceId
             * @memberof millrace.v1.EventBatch
             * @instance
             */
            EventBatch.prototype.deviceId = "";

            /**
             * EventBatch events.
             * @member {Array.<millrace.v1.BrowserEvent>} events
             * @memberof millrace.v1.EventBatch
             * @instance
             */
            EventBatch.prototype.events = $util.emptyArray;

            /**
             * Creates a new EventBatch instance using the specified properties.
             * @function create
             * @memberof millrace.v1.EventBatch
             * @static
             * @param {millrace.v1.EventBatch.$Properties=} [properties] Properties to set
             * @returns {millrace.v1.EventBatch} EventBatch instance
             * @type {{
             *   (properties: millrace.v1.EventBatch.$Shape): millrace.v1.EventBatch & millrace.v1.EventBatch.$Shape;
             *   (properties?: millrace.v1.EventBatch.$Properties): millrace.v1.EventBatch;
             * }}
             */
            EventBatch.create = function(properties) {
                return new EventBatch(properties);
            };

            /**
             * Encodes the specified EventBatch message. Does not implicitly {@link millrace.v1.EventBatch.verify|verify} messages.
             * @function encode
             * @memberof millrace.v1.EventBatch
             * @static
             * @param {millrace.v1.EventBatch.$Properties} message EventBatch message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            EventBatch.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.batchId != null && $Object.hasOwnProperty.call(message, "batchId") && message.batchId !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.batchId);
                if (message.seqNumber != null && $Object.hasOwnProperty.call(message, "seqNumber") && (typeof message.seqNumber === "object" ? message.seqNumber.low || message.seqNumber.high : message.seqNumber !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.seqNumber);
                if (message.sdkVersion != null && $Object.hasOwnProperty.call(message, "sdkVersion") && message.sdkVersion !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.sdkVersion);
                if (message.sentAt != null && $Object.hasOwnProperty.call(message, "sentAt") && (typeof message.sentAt === "object" ? message.sentAt.low || message.sentAt.high : message.sentAt !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).int64(message.sentAt);
                if (message.deviceId != null && $Object.hasOwnProperty.call(message, "deviceId") && message.deviceId !== "")
                    writer.uint32(/* id 5, wireType 2 =*/42).string(message.deviceId);
                if (message.events != null && message.events.length)
                    for (let i = 0; i < message.events.length; ++i)
                        $root.millrace.v1.BrowserEvent.encode(message.events[i], writer.uint32(/* id 6, wireType 2 =*/50).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an EventBatch message from the specified reader or buffer.
             * @function decode
             * @memberof millrace.v1.EventBatch
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {millrace.v1.EventBatch & millrace.v1.EventBatch.$Shape} EventBatch
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            EventBatch.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.millrace.v1.EventBatch();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.batchId = value;
                            else
                                delete message.batchId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.seqNumber = value;
                            else
                                delete message.seqNumber;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.sdkVersion = value;
                            else
                                delete message.sdkVersion;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                                message.sentAt = value;
                            else
                                delete message.sentAt;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.deviceId = value;
                            else
                                delete message.deviceId;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            if (!(message.events && message.events.length))
                                message.events = [];
                            message.events.push($root.millrace.v1.BrowserEvent.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return EventBatch;
        })();

        v1.BrowserEvent = (function() {

            /**
             * Properties of a BrowserEvent.
             * @typedef {Object} millrace.v1.BrowserEvent.$Properties
             * @property {string} [eventId] BrowserEvent eventId
             * @property {string} [userId] BrowserEvent userId
             * @property {string} [deviceId] BrowserEvent deviceId
             * @property {number|Long} [sessionId] BrowserEvent sessionId
             * @property {number|Long} [timestamp] BrowserEvent timestamp
             * @property {millrace.v1.PageView.$Properties|null} [pageView] BrowserEvent pageView
             * @property {millrace.v1.SearchEvent.$Properties|null} [searchEvent] BrowserEvent searchEvent
             * @property {millrace.v1.AIInteraction.$Properties|null} [aiInteraction] BrowserEvent aiInteraction
             * @property {millrace.v1.Navigation.$Properties|null} [navigation] BrowserEvent navigation
             * @property {millrace.v1.Performance.$Properties|null} [performance] BrowserEvent performance
             * @property {millrace.v1.AdEvent.$Properties|null} [adEvent] BrowserEvent adEvent
             * @property {"pageView"|"searchEvent"|"aiInteraction"|"navigation"|"performance"|"adEvent"} [payload] BrowserEvent payload
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a BrowserEvent.
             * @memberof millrace.v1
             * @interface IBrowserEvent
             * @augments millrace.v1.BrowserEvent.$Properties
             * @deprecated Use millrace.v1.BrowserEvent.$Properties instead.
             */

            /**
             * Narrowed shape of a BrowserEvent.
             * @typedef {{
             *   eventId?: string;
             *   userId?: string;
             *   deviceId?: string;
             *   sessionId?: number|Long;
             *   timestamp?: number|Long;
             *   pageView?: millrace.v1.PageView.$Shape|null;
             *   searchEvent?: millrace.v1.SearchEvent.$Shape|null;
             *   aiInteraction?: millrace.v1.AIInteraction.$Shape|null;
             *   navigation?: millrace.v1.Navigation.$Shape|null;
             *   performance?: millrace.v1.Performance.$Shape|null;
             *   adEvent?: millrace.v1.AdEvent.$Shape|null;
             *   $unknowns?: Array.<Uint8Array>;
             * } & (
             *   ({ payload?: undefined; pageView?: null; searchEvent?: null; aiInteraction?: null; navigation?: null; performance?: null; adEvent?: null }|{ payload?: "pageView"; pageView: millrace.v1.PageView.$Shape; searchEvent?: null; aiInteraction?: null; navigation?: null; performance?: null; adEvent?: null }|{ payload?: "searchEvent"; pageView?: null; searchEvent: millrace.v1.SearchEvent.$Shape; aiInteraction?: null; navigation?: null; performance?: null; adEvent?: null }|{ payload?: "aiInteraction"; pageView?: null; searchEvent?: null; aiInteraction: millrace.v1.AIInteraction.$Shape; navigation?: null; performance?: null; adEvent?: null }|{ payload?: "navigation"; pageView?: null; searchEvent?: null; aiInteraction?: null; navigation: millrace.v1.Navigation.$Shape; performance?: null; adEvent?: null }|{ payload?: "performance"; pageView?: null; searchEvent?: null; aiInteraction?: null; navigation?: null; performance: millrace.v1.Performance.$Shape; adEvent?: null }|{ payload?: "adEvent"; pageView?: null; searchEvent?: null; aiInteraction?: null; navigation?: null; performance?: null; adEvent: millrace.v1.AdEvent.$Shape })
             * )} millrace.v1.BrowserEvent.$Shape
             */

            /**
             * Constructs a new BrowserEvent.
             * @memberof millrace.v1
             * @classdesc Represents a BrowserEvent.
             * @constructor
             * @param {millrace.v1.BrowserEvent.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const BrowserEvent = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * BrowserEvent eventId.
             * @member {string} eventId
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            BrowserEvent.prototype.eventId = "";

            /**
             * BrowserEvent userId.
             * @member {string} userId
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            BrowserEvent.prototype.userId = "";

            /**
             * BrowserEvent deviceId.
             * @member {string} deviceId
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            BrowserEvent.prototype.deviceId = "";

            /**
             * BrowserEvent sessionId.
             * @member {number|Long} sessionId
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            BrowserEvent.prototype.sessionId = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * BrowserEvent timestamp.
             * @member {number|Long} timestamp
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            BrowserEvent.prototype.timestamp = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

            /**
             * BrowserEvent pageView.
             * @member {millrace.v1.PageView|null} pageView
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            BrowserEvent.prototype.pageView = null;

            /**
             * BrowserEvent searchEvent.
             * @member {millrace.v1.SearchEvent|null} searchEvent
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            BrowserEvent.prototype.searchEvent = null;

            /**
             * BrowserEvent aiInteraction.
             * @member {millrace.v1.AIInteraction|null} aiInteraction
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            BrowserEvent.prototype.aiInteraction = null;

            /**
             * BrowserEvent navigation.
             * @member {millrace.v1.Navigation|null} navigation
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            BrowserEvent.prototype.navigation = null;

            /**
             * BrowserEvent performance.
             * @member {millrace.v1.Performance|null} performance
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            BrowserEvent.prototype.performance = null;

            /**
             * BrowserEvent adEvent.
             * @member {millrace.v1.AdEvent|null} adEvent
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            BrowserEvent.prototype.adEvent = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            /**
             * BrowserEvent payload.
             * @member {"pageView"|"searchEvent"|"aiInteraction"|"navigation"|"performance"|"adEvent"|undefined} payload
             * @memberof millrace.v1.BrowserEvent
             * @instance
             */
            $Object.defineProperty(BrowserEvent.prototype, "payload", {
                get: $util.oneOfGetter($oneOfFields = ["pageView", "searchEvent", "aiInteraction", "navigation", "performance", "adEvent"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Creates a new BrowserEvent instance using the specified properties.
             * @function create
             * @memberof millrace.v1.BrowserEvent
             * @static
             * @param {millrace.v1.BrowserEvent.$Properties=} [properties] Properties to set
             * @returns {millrace.v1.BrowserEvent} BrowserEvent instance
             * @type {{
             *   (properties: millrace.v1.BrowserEvent.$Shape): millrace.v1.BrowserEvent & millrace.v1.BrowserEvent.$Shape;
             *   (properties?: millrace.v1.BrowserEvent.$Properties): millrace.v1.BrowserEvent;
             * }}
             */
            BrowserEvent.create = function(properties) {
                return new BrowserEvent(properties);
            };

            /**
             * Encodes the specified BrowserEvent message. Does not implicitly {@link millrace.v1.BrowserEvent.verify|verify} messages.
             * @function encode
             * @memberof millrace.v1.BrowserEvent
             * @static
             * @param {millrace.v1.BrowserEvent.$Properties} message BrowserEvent message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            BrowserEvent.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.eventId != null && $Object.hasOwnProperty.call(message, "eventId") && message.eventId !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.eventId);
                if (message.userId != null && $Object.hasOwnProperty.call(message, "userId") && message.userId !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.userId);
                if (message.deviceId != null && $Object.hasOwnProperty.call(message, "deviceId") && message.deviceId !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.deviceId);
                if (message.sessionId != null && $Object.hasOwnProperty.call(message, "sessionId") && (typeof message.sessionId === "object" ? message.sessionId.low || message.sessionId.high : message.sessionId !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.sessionId);
                if (message.timestamp != null && $Object.hasOwnProperty.call(message, "timestamp") && (typeof message.timestamp === "object" ? message.timestamp.low || message.timestamp.high : message.timestamp !== 0))
                    writer.uint32(/* id 5, wireType 0 =*/40).int64(message.timestamp);
                if (message.pageView != null && $Object.hasOwnProperty.call(message, "pageView"))
                    $root.millrace.v1.PageView.encode(message.pageView, writer.uint32(/* id 10, wireType 2 =*/82).fork(), _depth + 1).ldelim();
                if (message.searchEvent != null && $Object.hasOwnProperty.call(message, "searchEvent"))
                    $root.millrace.v1.SearchEvent.encode(message.searchEvent, writer.uint32(/* id 11, wireType 2 =*/90).fork(), _depth + 1).ldelim();
                if (message.aiInteraction != null && $Object.hasOwnProperty.call(message, "aiInteraction"))
                    $root.millrace.v1.AIInteraction.encode(message.aiInteraction, writer.uint32(/* id 12, wireType 2 =*/98).fork(), _depth + 1).ldelim();
                if (message.navigation != null && $Object.hasOwnProperty.call(message, "navigation"))
                    $root.millrace.v1.Navigation.encode(message.navigation, writer.uint32(/* id 13, wireType 2 =*/106).fork(), _depth + 1).ldelim();
                if (message.performance != null && $Object.hasOwnProperty.call(message, "performance"))
                    $root.millrace.v1.Performance.encode(message.performance, writer.uint32(/* id 14, wireType 2 =*/114).fork(), _depth + 1).ldelim();
                if (message.adEvent != null && $Object.hasOwnProperty.call(message, "adEvent"))
                    $root.millrace.v1.AdEvent.encode(message.adEvent, writer.uint32(/* id 15, wireType 2 =*/122).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a BrowserEvent message from the specified reader or buffer.
             * @function decode
             * @memberof millrace.v1.BrowserEvent
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {millrace.v1.BrowserEvent & millrace.v1.BrowserEvent.$Shape} BrowserEvent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            BrowserEvent.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.millrace.v1.BrowserEvent();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.eventId = value;
                            else
                                delete message.eventId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.userId = value;
                            else
                                delete message.userId;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.deviceId = value;
                            else
                                delete message.deviceId;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.sessionId = value;
                            else
                                delete message.sessionId;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                                message.timestamp = value;
                            else
                                delete message.timestamp;
                            continue;
                        }
                    case 10: {
                            if (wireType !== 2)
                                break;
                            message.pageView = $root.millrace.v1.PageView.decode(reader, reader.size(), $undefined, _depth + 1, message.pageView);
                            message.payload = "pageView";
                            continue;
                        }
                    case 11: {
                            if (wireType !== 2)
                                break;
                            message.searchEvent = $root.millrace.v1.SearchEvent.decode(reader, reader.size(), $undefined, _depth + 1, message.searchEvent);
                            message.payload = "searchEvent";
                            continue;
                        }
                    case 12: {
                            if (wireType !== 2)
                                break;
                            message.aiInteraction = $root.millrace.v1.AIInteraction.decode(reader, reader.size(), $undefined, _depth + 1, message.aiInteraction);
                            message.payload = "aiInteraction";
                            continue;
                        }
                    case 13: {
                            if (wireType !== 2)
                                break;
                            message.navigation = $root.millrace.v1.Navigation.decode(reader, reader.size(), $undefined, _depth + 1, message.navigation);
                            message.payload = "navigation";
                            continue;
                        }
                    case 14: {
                            if (wireType !== 2)
                                break;
                            message.performance = $root.millrace.v1.Performance.decode(reader, reader.size(), $undefined, _depth + 1, message.performance);
                            message.payload = "performance";
                            continue;
                        }
                    case 15: {
                            if (wireType !== 2)
                                break;
                            message.adEvent = $root.millrace.v1.AdEvent.decode(reader, reader.size(), $undefined, _depth + 1, message.adEvent);
                            message.payload = "adEvent";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return BrowserEvent;
        })();

        v1.PageView = (function() {

            /**
             * Properties of a PageView.
             * @typedef {Object} millrace.v1.PageView.$Properties
             * @property {string} [url] PageView url
             * @property {string} [title] PageView title
             * @property {string} [referrer] PageView referrer
             * @property {number|null} [loadTimeMs] PageView loadTimeMs
             * @property {number|null} [scrollDepthPct] PageView scrollDepthPct
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PageView.
             * @memberof millrace.v1
             * @interface IPageView
             * @augments millrace.v1.PageView.$Properties
             * @deprecated Use millrace.v1.PageView.$Properties instead.
             */

            /**
             * Shape of a PageView.
             * @typedef {millrace.v1.PageView.$Properties} millrace.v1.PageView.$Shape
             */

            /**
             * Constructs a new PageView.
             * @memberof millrace.v1
             * @classdesc Represents a PageView.
             * @constructor
             * @param {millrace.v1.PageView.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PageView = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PageView url.
             * @member {string} url
             * @memberof millrace.v1.PageView
             * @instance
             */
            PageView.prototype.url = "";

            /**
             * PageView title.
             * @member {string} title
             * @memberof millrace.v1.PageView
             * @instance
             */
            PageView.prototype.title = "";

            /**
             * PageView referrer.
             * @member {string} referrer
             * @memberof millrace.v1.PageView
             * @instance
             */
            PageView.prototype.referrer = "";

            /**
             * PageView loadTimeMs.
             * @member {number|null} loadTimeMs
             * @memberof millrace.v1.PageView
             * @instance
             */
            PageView.prototype.loadTimeMs = null;

            /**
             * PageView scrollDepthPct.
             * @member {number|null} scrollDepthPct
             * @memberof millrace.v1.PageView
             * @instance
             */
            PageView.prototype.scrollDepthPct = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(PageView.prototype, "_loadTimeMs", {
                get: $util.oneOfGetter($oneOfFields = ["loadTimeMs"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(PageView.prototype, "_scrollDepthPct", {
                get: $util.oneOfGetter($oneOfFields = ["scrollDepthPct"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Creates a new PageView instance using the specified properties.
             * @function create
             * @memberof millrace.v1.PageView
             * @static
             * @param {millrace.v1.PageView.$Properties=} [properties] Properties to set
             * @returns {millrace.v1.PageView} PageView instance
             * @type {{
             *   (properties: millrace.v1.PageView.$Shape): millrace.v1.PageView & millrace.v1.PageView.$Shape;
             *   (properties?: millrace.v1.PageView.$Properties): millrace.v1.PageView;
             * }}
             */
            PageView.create = function(properties) {
                return new PageView(properties);
            };

            /**
             * Encodes the specified PageView message. Does not implicitly {@link millrace.v1.PageView.verify|verify} messages.
             * @function encode
             * @memberof millrace.v1.PageView
             * @static
             * @param {millrace.v1.PageView.$Properties} message PageView message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PageView.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.url != null && $Object.hasOwnProperty.call(message, "url") && message.url !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.url);
                if (message.title != null && $Object.hasOwnProperty.call(message, "title") && message.title !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.title);
                if (message.referrer != null && $Object.hasOwnProperty.call(message, "referrer") && message.referrer !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.referrer);
                if (message.loadTimeMs != null && $Object.hasOwnProperty.call(message, "loadTimeMs"))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.loadTimeMs);
                if (message.scrollDepthPct != null && $Object.hasOwnProperty.call(message, "scrollDepthPct"))
                    writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.scrollDepthPct);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PageView message from the specified reader or buffer.
             * @function decode
             * @memberof millrace.v1.PageView
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {millrace.v1.PageView & millrace.v1.PageView.$Shape} PageView
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PageView.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.millrace.v1.PageView();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.url = value;
                            else
                                delete message.url;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.title = value;
                            else
                                delete message.title;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.referrer = value;
                            else
                                delete message.referrer;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            message.loadTimeMs = reader.uint32();
                            message._loadTimeMs = "loadTimeMs";
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            message.scrollDepthPct = reader.uint32();
                            message._scrollDepthPct = "scrollDepthPct";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return PageView;
        })();

        v1.SearchEvent = (function() {

            /**
             * Properties of a SearchEvent.
             * @typedef {Object} millrace.v1.SearchEvent.$Properties
             * @property {string} [query] SearchEvent query
             * @property {string} [engine] SearchEvent engine
             * @property {number|null} [resultCount] SearchEvent resultCount
             * @property {number|null} [clickedPosition] SearchEvent clickedPosition
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a SearchEvent.
             * @memberof millrace.v1
             * @interface ISearchEvent
             * @augments millrace.v1.SearchEvent.$Properties
             * @deprecated Use millrace.v1.SearchEvent.$Properties instead.
             */

            /**
             * Shape of a SearchEvent.
             * @typedef {millrace.v1.SearchEvent.$Properties} millrace.v1.SearchEvent.$Shape
             */

            /**
             * Constructs a new SearchEvent.
             * @memberof millrace.v1
             * @classdesc Represents a SearchEvent.
             * @constructor
             * @param {millrace.v1.SearchEvent.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const SearchEvent = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * SearchEvent query.
             * @member {string} query
             * @memberof millrace.v1.SearchEvent
             * @instance
             */
            SearchEvent.prototype.query = "";

            /**
             * SearchEvent engine.
             * @member {string} engine
             * @memberof millrace.v1.SearchEvent
             * @instance
             */
            SearchEvent.prototype.engine = "";

            /**
             * SearchEvent resultCount.
             * @member {number|null} resultCount
             * @memberof millrace.v1.SearchEvent
             * @instance
             */
            SearchEvent.prototype.resultCount = null;

            /**
             * SearchEvent clickedPosition.
             * @member {number|null} clickedPosition
             * @memberof millrace.v1.SearchEvent
             * @instance
             */
            SearchEvent.prototype.clickedPosition = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(SearchEvent.prototype, "_resultCount", {
                get: $util.oneOfGetter($oneOfFields = ["resultCount"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(SearchEvent.prototype, "_clickedPosition", {
                get: $util.oneOfGetter($oneOfFields = ["clickedPosition"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Creates a new SearchEvent instance using the specified properties.
             * @function create
             * @memberof millrace.v1.SearchEvent
             * @static
             * @param {millrace.v1.SearchEvent.$Properties=} [properties] Properties to set
             * @returns {millrace.v1.SearchEvent} SearchEvent instance
             * @type {{
             *   (properties: millrace.v1.SearchEvent.$Shape): millrace.v1.SearchEvent & millrace.v1.SearchEvent.$Shape;
             *   (properties?: millrace.v1.SearchEvent.$Properties): millrace.v1.SearchEvent;
             * }}
             */
            SearchEvent.create = function(properties) {
                return new SearchEvent(properties);
            };

            /**
             * Encodes the specified SearchEvent message. Does not implicitly {@link millrace.v1.SearchEvent.verify|verify} messages.
             * @function encode
             * @memberof millrace.v1.SearchEvent
             * @static
             * @param {millrace.v1.SearchEvent.$Properties} message SearchEvent message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            SearchEvent.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.query != null && $Object.hasOwnProperty.call(message, "query") && message.query !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.query);
                if (message.engine != null && $Object.hasOwnProperty.call(message, "engine") && message.engine !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.engine);
                if (message.resultCount != null && $Object.hasOwnProperty.call(message, "resultCount"))
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.resultCount);
                if (message.clickedPosition != null && $Object.hasOwnProperty.call(message, "clickedPosition"))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.clickedPosition);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a SearchEvent message from the specified reader or buffer.
             * @function decode
             * @memberof millrace.v1.SearchEvent
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {millrace.v1.SearchEvent & millrace.v1.SearchEvent.$Shape} SearchEvent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            SearchEvent.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.millrace.v1.SearchEvent();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.query = value;
                            else
                                delete message.query;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.engine = value;
                            else
                                delete message.engine;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            message.resultCount = reader.uint32();
                            message._resultCount = "resultCount";
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            message.clickedPosition = reader.uint32();
                            message._clickedPosition = "clickedPosition";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return SearchEvent;
        })();

        v1.AIInteraction = (function() {

            /**
             * Properties of a AIInteraction.
             * @typedef {Object} millrace.v1.AIInteraction.$Properties
             * @property {string} [conversationId] AIInteraction conversationId
             * @property {string} [taskType] AIInteraction taskType
             * @property {string} [model] AIInteraction model
             * @property {number|null} [inputTokens] AIInteraction inputTokens
             * @property {number|null} [outputTokens] AIInteraction outputTokens
             * @property {number|null} [latencyMs] AIInteraction latencyMs
             * @property {boolean|null} [cached] AIInteraction cached
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a AIInteraction.
             * @memberof millrace.v1
             * @interface IAIInteraction
             * @augments millrace.v1.AIInteraction.$Properties
             * @deprecated Use millrace.v1.AIInteraction.$Properties instead.
             */

            /**
             * Shape of a AIInteraction.
             * @typedef {millrace.v1.AIInteraction.$Properties} millrace.v1.AIInteraction.$Shape
             */

            /**
             * Constructs a new AIInteraction.
             * @memberof millrace.v1
             * @classdesc Represents a AIInteraction.
             * @constructor
             * @param {millrace.v1.AIInteraction.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const AIInteraction = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * AIInteraction conversationId.
             * @member {string} conversationId
             * @memberof millrace.v1.AIInteraction
             * @instance
             */
            AIInteraction.prototype.conversationId = "";

            /**
             * AIInteraction taskType.
             * @member {string} taskType
             * @memberof millrace.v1.AIInteraction
             * @instance
             */
            AIInteraction.prototype.taskType = "";

            /**
             * AIInteraction model.
             * @member {string} model
             * @memberof millrace.v1.AIInteraction
             * @instance
             */
            AIInteraction.prototype.model = "";

            /**
             * AIInteraction inputTokens.
             * @member {number|null} inputTokens
             * @memberof millrace.v1.AIInteraction
             * @instance
             */
            AIInteraction.prototype.inputTokens = null;

            /**
             * AIInteraction outputTokens.
             * @member {number|null} outputTokens
             * @memberof millrace.v1.AIInteraction
             * @instance
             */
            AIInteraction.prototype.outputTokens = null;

            /**
             * AIInteraction latencyMs.
             * @member {number|null} latencyMs
             * @memberof millrace.v1.AIInteraction
             * @instance
             */
            AIInteraction.prototype.latencyMs = null;

            /**
             * AIInteraction cached.
             * @member {boolean|null} cached
             * @memberof millrace.v1.AIInteraction
             * @instance
             */
            AIInteraction.prototype.cached = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(AIInteraction.prototype, "_inputTokens", {
                get: $util.oneOfGetter($oneOfFields = ["inputTokens"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(AIInteraction.prototype, "_outputTokens", {
                get: $util.oneOfGetter($oneOfFields = ["outputTokens"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(AIInteraction.prototype, "_latencyMs", {
                get: $util.oneOfGetter($oneOfFields = ["latencyMs"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(AIInteraction.prototype, "_cached", {
                get: $util.oneOfGetter($oneOfFields = ["cached"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Creates a new AIInteraction instance using the specified properties.
             * @function create
             * @memberof millrace.v1.AIInteraction
             * @static
             * @param {millrace.v1.AIInteraction.$Properties=} [properties] Properties to set
             * @returns {millrace.v1.AIInteraction} AIInteraction instance
             * @type {{
             *   (properties: millrace.v1.AIInteraction.$Shape): millrace.v1.AIInteraction & millrace.v1.AIInteraction.$Shape;
             *   (properties?: millrace.v1.AIInteraction.$Properties): millrace.v1.AIInteraction;
             * }}
             */
            AIInteraction.create = function(properties) {
                return new AIInteraction(properties);
            };

            /**
             * Encodes the specified AIInteraction message. Does not implicitly {@link millrace.v1.AIInteraction.verify|verify} messages.
             * @function encode
             * @memberof millrace.v1.AIInteraction
             * @static
             * @param {millrace.v1.AIInteraction.$Properties} message AIInteraction message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            AIInteraction.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.conversationId != null && $Object.hasOwnProperty.call(message, "conversationId") && message.conversationId !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.conversationId);
                if (message.taskType != null && $Object.hasOwnProperty.call(message, "taskType") && message.taskType !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.taskType);
                if (message.model != null && $Object.hasOwnProperty.call(message, "model") && message.model !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.model);
                if (message.inputTokens != null && $Object.hasOwnProperty.call(message, "inputTokens"))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.inputTokens);
                if (message.outputTokens != null && $Object.hasOwnProperty.call(message, "outputTokens"))
                    writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.outputTokens);
                if (message.latencyMs != null && $Object.hasOwnProperty.call(message, "latencyMs"))
                    writer.uint32(/* id 6, wireType 0 =*/48).uint32(message.latencyMs);
                if (message.cached != null && $Object.hasOwnProperty.call(message, "cached"))
                    writer.uint32(/* id 7, wireType 0 =*/56).bool(message.cached);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a AIInteraction message from the specified reader or buffer.
             * @function decode
             * @memberof millrace.v1.AIInteraction
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {millrace.v1.AIInteraction & millrace.v1.AIInteraction.$Shape} AIInteraction
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            AIInteraction.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.millrace.v1.AIInteraction();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.conversationId = value;
                            else
                                delete message.conversationId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.taskType = value;
                            else
                                delete message.taskType;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.model = value;
                            else
                                delete message.model;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            message.inputTokens = reader.uint32();
                            message._inputTokens = "inputTokens";
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            message.outputTokens = reader.uint32();
                            message._outputTokens = "outputTokens";
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            message.latencyMs = reader.uint32();
                            message._latencyMs = "latencyMs";
                            continue;
                        }
                    case 7: {
                            if (wireType !== 0)
                                break;
                            message.cached = reader.bool();
                            message._cached = "cached";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return AIInteraction;
        })();

        v1.Navigation = (function() {

            /**
             * Properties of a Navigation.
             * @typedef {Object} millrace.v1.Navigation.$Properties
             * @property {string} [urlFrom] Navigation urlFrom
             * @property {string} [urlTo] Navigation urlTo
             * @property {millrace.v1.Navigation.Trigger} [trigger] Navigation trigger
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Navigation.
             * @memberof millrace.v1
             * @interface INavigation
             * @augments millrace.v1.Navigation.$Properties
             * @deprecated Use millrace.v1.Navigation.$Properties instead.
             */

            /**
             * Shape of a Navigation.
             * @typedef {millrace.v1.Navigation.$Properties} millrace.v1.Navigation.$Shape
             */

            /**
             * Constructs a new Navigation.
             * @memberof millrace.v1
             * @classdesc Represents a Navigation.
             * @constructor
             * @param {millrace.v1.Navigation.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Navigation = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Navigation urlFrom.
             * @member {string} urlFrom
             * @memberof millrace.v1.Navigation
             * @instance
             */
            Navigation.prototype.urlFrom = "";

            /**
             * Navigation urlTo.
             * @member {string} urlTo
             * @memberof millrace.v1.Navigation
             * @instance
             */
            Navigation.prototype.urlTo = "";

            /**
             * Navigation trigger.
             * @member {millrace.v1.Navigation.Trigger} trigger
             * @memberof millrace.v1.Navigation
             * @instance
             */
            Navigation.prototype.trigger = 0;

            /**
             * Creates a new Navigation instance using the specified properties.
             * @function create
             * @memberof millrace.v1.Navigation
             * @static
             * @param {millrace.v1.Navigation.$Properties=} [properties] Properties to set
             * @returns {millrace.v1.Navigation} Navigation instance
             * @type {{
             *   (properties: millrace.v1.Navigation.$Shape): millrace.v1.Navigation & millrace.v1.Navigation.$Shape;
             *   (properties?: millrace.v1.Navigation.$Properties): millrace.v1.Navigation;
             * }}
             */
            Navigation.create = function(properties) {
                return new Navigation(properties);
            };

            /**
             * Encodes the specified Navigation message. Does not implicitly {@link millrace.v1.Navigation.verify|verify} messages.
             * @function encode
             * @memberof millrace.v1.Navigation
             * @static
             * @param {millrace.v1.Navigation.$Properties} message Navigation message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Navigation.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.urlFrom != null && $Object.hasOwnProperty.call(message, "urlFrom") && message.urlFrom !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.urlFrom);
                if (message.urlTo != null && $Object.hasOwnProperty.call(message, "urlTo") && message.urlTo !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.urlTo);
                if (message.trigger != null && $Object.hasOwnProperty.call(message, "trigger") && message.trigger !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).int32(message.trigger);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Navigation message from the specified reader or buffer.
             * @function decode
             * @memberof millrace.v1.Navigation
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {millrace.v1.Navigation & millrace.v1.Navigation.$Shape} Navigation
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Navigation.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.millrace.v1.Navigation();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.urlFrom = value;
                            else
                                delete message.urlFrom;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.urlTo = value;
                            else
                                delete message.urlTo;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.trigger = value;
                            else
                                delete message.trigger;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Trigger enum.
             * @name millrace.v1.Navigation.Trigger
             * @enum {number}
             * @property {number} TRIGGER_UNSPECIFIED=0 TRIGGER_UNSPECIFIED value
             * @property {number} LINK=1 LINK value
             * @property {number} TYPED=2 TYPED value
             * @property {number} BOOKMARK=3 BOOKMARK value
             * @property {number} BACK=4 BACK value
             * @property {number} AI_SUGGEST=5 AI_SUGGEST value
             */
            Navigation.Trigger = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "TRIGGER_UNSPECIFIED"] = 0;
                values[valuesById[1] = "LINK"] = 1;
                values[valuesById[2] = "TYPED"] = 2;
                values[valuesById[3] = "BOOKMARK"] = 3;
                values[valuesById[4] = "BACK"] = 4;
                values[valuesById[5] = "AI_SUGGEST"] = 5;
                return values;
            })();

            return Navigation;
        })();

        v1.Performance = (function() {

            /**
             * Properties of a Performance.
             * @typedef {Object} millrace.v1.Performance.$Properties
             * @property {millrace.v1.Performance.MetricName} [metricName] Performance metricName
             * @property {number|null} [value] Performance value
             * @property {string} [url] Performance url
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Performance.
             * @memberof millrace.v1
             * @interface IPerformance
             * @augments millrace.v1.Performance.$Properties
             * @deprecated Use millrace.v1.Performance.$Properties instead.
             */

            /**
             * Shape of a Performance.
             * @typedef {millrace.v1.Performance.$Properties} millrace.v1.Performance.$Shape
             */

            /**
             * Constructs a new Performance.
             * @memberof millrace.v1
             * @classdesc Represents a Performance.
             * @constructor
             * @param {millrace.v1.Performance.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Performance = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Performance metricName.
             * @member {millrace.v1.Performance.MetricName} metricName
             * @memberof millrace.v1.Performance
             * @instance
             */
            Performance.prototype.metricName = 0;

            /**
             * Performance value.
             * @member {number|null} value
             * @memberof millrace.v1.Performance
             * @instance
             */
            Performance.prototype.value = null;

            /**
             * Performance url.
             * @member {string} url
             * @memberof millrace.v1.Performance
             * @instance
             */
            Performance.prototype.url = "";

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(Performance.prototype, "_value", {
                get: $util.oneOfGetter($oneOfFields = ["value"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Creates a new Performance instance using the specified properties.
             * @function create
             * @memberof millrace.v1.Performance
             * @static
             * @param {millrace.v1.Performance.$Properties=} [properties] Properties to set
             * @returns {millrace.v1.Performance} Performance instance
             * @type {{
             *   (properties: millrace.v1.Performance.$Shape): millrace.v1.Performance & millrace.v1.Performance.$Shape;
             *   (properties?: millrace.v1.Performance.$Properties): millrace.v1.Performance;
             * }}
             */
            Performance.create = function(properties) {
                return new Performance(properties);
            };

            /**
             * Encodes the specified Performance message. Does not implicitly {@link millrace.v1.Performance.verify|verify} messages.
             * @function encode
             * @memberof millrace.v1.Performance
             * @static
             * @param {millrace.v1.Performance.$Properties} message Performance message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Performance.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.metricName != null && $Object.hasOwnProperty.call(message, "metricName") && message.metricName !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).int32(message.metricName);
                if (message.value != null && $Object.hasOwnProperty.call(message, "value"))
                    writer.uint32(/* id 2, wireType 1 =*/17).double(message.value);
                if (message.url != null && $Object.hasOwnProperty.call(message, "url") && message.url !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.url);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Performance message from the specified reader or buffer.
             * @function decode
             * @memberof millrace.v1.Performance
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {millrace.v1.Performance & millrace.v1.Performance.$Shape} Performance
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Performance.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.millrace.v1.Performance();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.metricName = value;
                            else
                                delete message.metricName;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 1)
                                break;
                            message.value = reader.double();
                            message._value = "value";
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.url = value;
                            else
                                delete message.url;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * MetricName enum.
             * @name millrace.v1.Performance.MetricName
             * @enum {number}
             * @property {number} METRIC_NAME_UNSPECIFIED=0 METRIC_NAME_UNSPECIFIED value
             * @property {number} FCP=1 FCP value
             * @property {number} LCP=2 LCP value
             * @property {number} CLS=3 CLS value
             * @property {number} FID=4 FID value
             * @property {number} TTFB=5 TTFB value
             * @property {number} INP=6 INP value
             */
            Performance.MetricName = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "METRIC_NAME_UNSPECIFIED"] = 0;
                values[valuesById[1] = "FCP"] = 1;
                values[valuesById[2] = "LCP"] = 2;
                values[valuesById[3] = "CLS"] = 3;
                values[valuesById[4] = "FID"] = 4;
                values[valuesById[5] = "TTFB"] = 5;
                values[valuesById[6] = "INP"] = 6;
                return values;
            })();

            return Performance;
        })();

        v1.AdEvent = (function() {

            /**
             * Properties of an AdEvent.
             * @typedef {Object} millrace.v1.AdEvent.$Properties
             * @property {string} [adId] AdEvent adId
             * @property {string} [campaignId] AdEvent campaignId
             * @property {string} [placement] AdEvent placement
             * @property {millrace.v1.AdEvent.Action} [action] AdEvent action
             * @property {number|Long|null} [revenueMicros] AdEvent revenueMicros
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an AdEvent.
             * @memberof millrace.v1
             * @interface IAdEvent
             * @augments millrace.v1.AdEvent.$Properties
             * @deprecated Use millrace.v1.AdEvent.$Properties instead.
             */

            /**
             * Shape of an AdEvent.
             * @typedef {millrace.v1.AdEvent.$Properties} millrace.v1.AdEvent.$Shape
             */

            /**
             * Constructs a new AdEvent.
             * @memberof millrace.v1
             * @classdesc Represents an AdEvent.
             * @constructor
             * @param {millrace.v1.AdEvent.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const AdEvent = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * AdEvent adId.
             * @member {string} adId
             * @memberof millrace.v1.AdEvent
             * @instance
             */
            AdEvent.prototype.adId = "";

            /**
             * AdEvent campaignId.
             * @member {string} campaignId
             * @memberof millrace.v1.AdEvent
             * @instance
             */
            AdEvent.prototype.campaignId = "";

            /**
             * AdEvent placement.
             * @member {string} placement
             * @memberof millrace.v1.AdEvent
             * @instance
             */
            AdEvent.prototype.placement = "";

            /**
             * AdEvent action.
             * @member {millrace.v1.AdEvent.Action} action
             * @memberof millrace.v1.AdEvent
             * @instance
             */
            AdEvent.prototype.action = 0;

            /**
             * AdEvent revenueMicros.
             * @member {number|Long|null} revenueMicros
             * @memberof millrace.v1.AdEvent
             * @instance
             */
            AdEvent.prototype.revenueMicros = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(AdEvent.prototype, "_revenueMicros", {
                get: $util.oneOfGetter($oneOfFields = ["revenueMicros"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Creates a new AdEvent instance using the specified properties.
             * @function create
             * @memberof millrace.v1.AdEvent
             * @static
             * @param {millrace.v1.AdEvent.$Properties=} [properties] Properties to set
             * @returns {millrace.v1.AdEvent} AdEvent instance
             * @type {{
             *   (properties: millrace.v1.AdEvent.$Shape): millrace.v1.AdEvent & millrace.v1.AdEvent.$Shape;
             *   (properties?: millrace.v1.AdEvent.$Properties): millrace.v1.AdEvent;
             * }}
             */
            AdEvent.create = function(properties) {
                return new AdEvent(properties);
            };

            /**
             * Encodes the specified AdEvent message. Does not implicitly {@link millrace.v1.AdEvent.verify|verify} messages.
             * @function encode
             * @memberof millrace.v1.AdEvent
             * @static
             * @param {millrace.v1.AdEvent.$Properties} message AdEvent message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            AdEvent.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.adId != null && $Object.hasOwnProperty.call(message, "adId") && message.adId !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.adId);
                if (message.campaignId != null && $Object.hasOwnProperty.call(message, "campaignId") && message.campaignId !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.campaignId);
                if (message.placement != null && $Object.hasOwnProperty.call(message, "placement") && message.placement !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.placement);
                if (message.action != null && $Object.hasOwnProperty.call(message, "action") && message.action !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).int32(message.action);
                if (message.revenueMicros != null && $Object.hasOwnProperty.call(message, "revenueMicros"))
                    writer.uint32(/* id 5, wireType 0 =*/40).int64(message.revenueMicros);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an AdEvent message from the specified reader or buffer.
             * @function decode
             * @memberof millrace.v1.AdEvent
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {millrace.v1.AdEvent & millrace.v1.AdEvent.$Shape} AdEvent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            AdEvent.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.millrace.v1.AdEvent();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.adId = value;
                            else
                                delete message.adId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.campaignId = value;
                            else
                                delete message.campaignId;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.placement = value;
                            else
                                delete message.placement;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.action = value;
                            else
                                delete message.action;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            message.revenueMicros = reader.int64();
                            message._revenueMicros = "revenueMicros";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Action enum.
             * @name millrace.v1.AdEvent.Action
             * @enum {number}
             * @property {number} ACTION_UNSPECIFIED=0 ACTION_UNSPECIFIED value
             * @property {number} IMPRESSION=1 IMPRESSION value
             * @property {number} VIEWABLE=2 VIEWABLE value
             * @property {number} CLICK=3 CLICK value
             * @property {number} CONVERSION=4 CONVERSION value
             */
            AdEvent.Action = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "ACTION_UNSPECIFIED"] = 0;
                values[valuesById[1] = "IMPRESSION"] = 1;
                values[valuesById[2] = "VIEWABLE"] = 2;
                values[valuesById[3] = "CLICK"] = 3;
                values[valuesById[4] = "CONVERSION"] = 4;
                return values;
            })();

            return AdEvent;
        })();

        v1.EventBatchResponse = (function() {

            /**
             * Properties of an EventBatchResponse.
             * @typedef {Object} millrace.v1.EventBatchResponse.$Properties
             * @property {string} [batchId] EventBatchResponse batchId
             * @property {number} [accepted] EventBatchResponse accepted
             * @property {number} [duplicates] EventBatchResponse duplicates
             * @property {Array.<millrace.v1.RejectedEvent.$Properties>} [rejected] EventBatchResponse rejected
             * @property {Array.<millrace.v1.RejectedEvent.$Properties>} [retry] EventBatchResponse retry
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an EventBatchResponse.
             * @memberof millrace.v1
             * @interface IEventBatchResponse
             * @augments millrace.v1.EventBatchResponse.$Properties
             * @deprecated Use millrace.v1.EventBatchResponse.$Properties instead.
             */

            /**
             * Shape of an EventBatchResponse.
             * @typedef {millrace.v1.EventBatchResponse.$Properties} millrace.v1.EventBatchResponse.$Shape
             */

            /**
             * Constructs a new EventBatchResponse.
             * @memberof millrace.v1
             * @classdesc Represents an EventBatchResponse.
             * @constructor
             * @param {millrace.v1.EventBatchResponse.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const EventBatchResponse = function (properties) {
                this.rejected = [];
                this.retry = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * EventBatchResponse batchId.
             * @member {string} batchId
             * @memberof millrace.v1.EventBatchResponse
             * @instance
             */
            EventBatchResponse.prototype.batchId = "";

            /**
             * EventBatchResponse accepted.
             * @member {number} accepted
             * @memberof millrace.v1.EventBatchResponse
             * @instance
             */
            EventBatchResponse.prototype.accepted = 0;

            /**
             * EventBatchResponse duplicates.
             * @member {number} duplicates
             * @memberof millrace.v1.EventBatchResponse
             * @instance
             */
            EventBatchResponse.prototype.duplicates = 0;

            /**
             * EventBatchResponse rejected.
             * @member {Array.<millrace.v1.RejectedEvent>} rejected
             * @memberof millrace.v1.EventBatchResponse
             * @instance
             */
            EventBatchResponse.prototype.rejected = $util.emptyArray;

            /**
             * EventBatchResponse retry.
             * @member {Array.<millrace.v1.RejectedEvent>} retry
             * @memberof millrace.v1.EventBatchResponse
             * @instance
             */
            EventBatchResponse.prototype.retry = $util.emptyArray;

            /**
             * Creates a new EventBatchResponse instance using the specified properties.
             * @function create
             * @memberof millrace.v1.EventBatchResponse
             * @static
             * @param {millrace.v1.EventBatchResponse.$Properties=} [properties] Properties to set
             * @returns {millrace.v1.EventBatchResponse} EventBatchResponse instance
             * @type {{
             *   (properties: millrace.v1.EventBatchResponse.$Shape): millrace.v1.EventBatchResponse & millrace.v1.EventBatchResponse.$Shape;
             *   (properties?: millrace.v1.EventBatchResponse.$Properties): millrace.v1.EventBatchResponse;
             * }}
             */
            EventBatchResponse.create = function(properties) {
                return new EventBatchResponse(properties);
            };

            /**
             * Encodes the specified EventBatchResponse message. Does not implicitly {@link millrace.v1.EventBatchResponse.verify|verify} messages.
             * @function encode
             * @memberof millrace.v1.EventBatchResponse
             * @static
             * @param {millrace.v1.EventBatchResponse.$Properties} message EventBatchResponse message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            EventBatchResponse.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.batchId != null && $Object.hasOwnProperty.call(message, "batchId") && message.batchId !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.batchId);
                if (message.accepted != null && $Object.hasOwnProperty.call(message, "accepted") && message.accepted !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.accepted);
                if (message.duplicates != null && $Object.hasOwnProperty.call(message, "duplicates") && message.duplicates !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.duplicates);
                if (message.rejected != null && message.rejected.length)
                    for (let i = 0; i < message.rejected.length; ++i)
                        $root.millrace.v1.RejectedEvent.encode(message.rejected[i], writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                if (message.retry != null && message.retry.length)
                    for (let i = 0; i < message.retry.length; ++i)
                        $root.millrace.v1.RejectedEvent.encode(message.retry[i], writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an EventBatchResponse message from the specified reader or buffer.
             * @function decode
             * @memberof millrace.v1.EventBatchResponse
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {millrace.v1.EventBatchResponse & millrace.v1.EventBatchResponse.$Shape} EventBatchResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            EventBatchResponse.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.millrace.v1.EventBatchResponse();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.batchId = value;
                            else
                                delete message.batchId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.accepted = value;
                            else
                                delete message.accepted;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.duplicates = value;
                            else
                                delete message.duplicates;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if (!(message.rejected && message.rejected.length))
                                message.rejected = [];
                            message.rejected.push($root.millrace.v1.RejectedEvent.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if (!(message.retry && message.retry.length))
                                message.retry = [];
                            message.retry.push($root.millrace.v1.RejectedEvent.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return EventBatchResponse;
        })();

        v1.RejectedEvent = (function() {

            /**
             * Properties of a RejectedEvent.
             * @typedef {Object} millrace.v1.RejectedEvent.$Properties
             * @property {number} [index] RejectedEvent index
             * @property {string} [eventId] RejectedEvent eventId
             * @property {string} [reason] RejectedEvent reason
             * @property {Array.<string>} [issues] RejectedEvent issues
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a RejectedEvent.
             * @memberof millrace.v1
             * @interface IRejectedEvent
             * @augments millrace.v1.RejectedEvent.$Properties
             * @deprecated Use millrace.v1.RejectedEvent.$Properties instead.
             */

            /**
             * Shape of a RejectedEvent.
             * @typedef {millrace.v1.RejectedEvent.$Properties} millrace.v1.RejectedEvent.$Shape
             */

            /**
             * Constructs a new RejectedEvent.
             * @memberof millrace.v1
             * @classdesc Represents a RejectedEvent.
             * @constructor
             * @param {millrace.v1.RejectedEvent.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const RejectedEvent = function (properties) {
                this.issues = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * RejectedEvent index.
             * @member {number} index
             * @memberof millrace.v1.RejectedEvent
             * @instance
             */
            RejectedEvent.prototype.index = 0;

            /**
             * RejectedEvent eventId.
             * @member {string} eventId
             * @memberof millrace.v1.RejectedEvent
             * @instance
             */
            RejectedEvent.prototype.eventId = "";

            /**
             * RejectedEvent reason.
             * @member {string} reason
             * @memberof millrace.v1.RejectedEvent
             * @instance
             */
            RejectedEvent.prototype.reason = "";

            /**
             * RejectedEvent issues.
             * @member {Array.<string>} issues
             * @memberof millrace.v1.RejectedEvent
             * @instance
             */
            RejectedEvent.prototype.issues = $util.emptyArray;

            /**
             * Creates a new RejectedEvent instance using the specified properties.
             * @function create
             * @memberof millrace.v1.RejectedEvent
             * @static
             * @param {millrace.v1.RejectedEvent.$Properties=} [properties] Properties to set
             * @returns {millrace.v1.RejectedEvent} RejectedEvent instance
             * @type {{
             *   (properties: millrace.v1.RejectedEvent.$Shape): millrace.v1.RejectedEvent & millrace.v1.RejectedEvent.$Shape;
             *   (properties?: millrace.v1.RejectedEvent.$Properties): millrace.v1.RejectedEvent;
             * }}
             */
            RejectedEvent.create = function(properties) {
                return new RejectedEvent(properties);
            };

            /**
             * Encodes the specified RejectedEvent message. Does not implicitly {@link millrace.v1.RejectedEvent.verify|verify} messages.
             * @function encode
             * @memberof millrace.v1.RejectedEvent
             * @static
             * @param {millrace.v1.RejectedEvent.$Properties} message RejectedEvent message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            RejectedEvent.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.index != null && $Object.hasOwnProperty.call(message, "index") && message.index !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.index);
                if (message.eventId != null && $Object.hasOwnProperty.call(message, "eventId") && message.eventId !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.eventId);
                if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.reason);
                if (message.issues != null && message.issues.length)
                    for (let i = 0; i < message.issues.length; ++i)
                        writer.uint32(/* id 4, wireType 2 =*/34).string(message.issues[i]);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a RejectedEvent message from the specified reader or buffer.
             * @function decode
             * @memberof millrace.v1.RejectedEvent
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {millrace.v1.RejectedEvent & millrace.v1.RejectedEvent.$Shape} RejectedEvent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            RejectedEvent.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.millrace.v1.RejectedEvent();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.index = value;
                            else
                                delete message.index;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.eventId = value;
                            else
                                delete message.eventId;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.reason = value;
                            else
                                delete message.reason;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if (!(message.issues && message.issues.length))
                                message.issues = [];
                            message.issues.push(reader.stringVerify());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return RejectedEvent;
        })();

        return v1;
    })();

    return millrace;
})();

