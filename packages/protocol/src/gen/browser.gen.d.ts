import * as $protobuf from "protobufjs/minimal.js";
import type { LongBits as Long } from '../browser/int64.ts';

/** Namespace millrace. */
export namespace millrace {

    /** Namespace v1. */
    namespace v1 {

        /**
         * Properties of an EventBatch.
         * @deprecated Use millrace.v1.EventBatch.$Properties instead.
         */
        interface IEventBatch extends millrace.v1.EventBatch.$Properties {
        }

        /** Represents an EventBatch. */
        class EventBatch {

            /**
             * Constructs a new EventBatch.
             * @param [properties] Properties to set
             */
            constructor(properties?: millrace.v1.EventBatch.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** EventBatch batchId. */
            batchId: string;

            /** EventBatch seqNumber. */
            seqNumber: (number|Long);

            /** EventBatch sdkVersion. */
            sdkVersion: string;

            /** EventBatch sentAt. */
            sentAt: (number|Long);

            /** EventBatch deviceId. */
            deviceId: string;

            /** EventBatch events. */
            events: millrace.v1.BrowserEvent[];

            /**
             * Creates a new EventBatch instance using the specified properties.
             * @param [properties] Properties to set
             * @returns EventBatch instance
             */
            static create(properties: millrace.v1.EventBatch.$Shape): millrace.v1.EventBatch & millrace.v1.EventBatch.$Shape;
            static create(properties?: millrace.v1.EventBatch.$Properties): millrace.v1.EventBatch;

            /**
             * Encodes the specified EventBatch message. Does not implicitly {@link millrace.v1.EventBatch.verify|verify} messages.
             * @param message EventBatch message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: millrace.v1.EventBatch.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an EventBatch message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {millrace.v1.EventBatch & millrace.v1.EventBatch.$Shape} EventBatch
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): millrace.v1.EventBatch & millrace.v1.EventBatch.$Shape;
        }

        namespace EventBatch {

            /** Properties of an EventBatch. */
            interface $Properties {

                /** EventBatch batchId */
                batchId?: string;

                /** EventBatch seqNumber */
                seqNumber?: (number|Long);

                /** EventBatch sdkVersion */
                sdkVersion?: string;

                /** EventBatch sentAt */
                sentAt?: (number|Long);

                /** EventBatch deviceId */
                deviceId?: string;

                /** EventBatch events */
                events?: millrace.v1.BrowserEvent.$Properties[];

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an EventBatch. */
            type $Shape = {
              batchId?: string;
              seqNumber?: number|Long;
              sdkVersion?: string;
              sentAt?: number|Long;
              deviceId?: string;
              events?: millrace.v1.BrowserEvent.$Shape[];
              $unknowns?: Uint8Array[];
            };
        }

        /**
         * Properties of a BrowserEvent.
         * @deprecated Use millrace.v1.BrowserEvent.$Properties instead.
         */
        interface IBrowserEvent extends millrace.v1.BrowserEvent.$Properties {
        }

        /** Represents a BrowserEvent. */
        class BrowserEvent {

            /**
             * Constructs a new BrowserEvent.
             * @param [properties] Properties to set
             */
            constructor(properties?: millrace.v1.BrowserEvent.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** BrowserEvent eventId. */
            eventId: string;

            /** BrowserEvent userId. */
            userId: string;

            /** BrowserEvent deviceId. */
            deviceId: string;

            /** BrowserEvent sessionId. */
            sessionId: (number|Long);

            /** BrowserEvent timestamp. */
            timestamp: (number|Long);

            /** BrowserEvent pageView. */
            pageView: (millrace.v1.PageView|null);

            /** BrowserEvent searchEvent. */
            searchEvent: (millrace.v1.SearchEvent|null);

            /** BrowserEvent aiInteraction. */
            aiInteraction: (millrace.v1.AIInteraction|null);

            /** BrowserEvent navigation. */
            navigation: (millrace.v1.Navigation|null);

            /** BrowserEvent performance. */
            performance: (millrace.v1.Performance|null);

            /** BrowserEvent adEvent. */
            adEvent: (millrace.v1.AdEvent|null);

            /** BrowserEvent payload. */
            payload?: ("pageView"|"searchEvent"|"aiInteraction"|"navigation"|"performance"|"adEvent");

            /**
             * Creates a new BrowserEvent instance using the specified properties.
             * @param [properties] Properties to set
             * @returns BrowserEvent instance
             */
            static create(properties: millrace.v1.BrowserEvent.$Shape): millrace.v1.BrowserEvent & millrace.v1.BrowserEvent.$Shape;
            static create(properties?: millrace.v1.BrowserEvent.$Properties): millrace.v1.BrowserEvent;

            /**
             * Encodes the specified BrowserEvent message. Does not implicitly {@link millrace.v1.BrowserEvent.verify|verify} messages.
             * @param message BrowserEvent message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: millrace.v1.BrowserEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a BrowserEvent message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {millrace.v1.BrowserEvent & millrace.v1.BrowserEvent.$Shape} BrowserEvent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): millrace.v1.BrowserEvent & millrace.v1.BrowserEvent.$Shape;
        }

        namespace BrowserEvent {

            /** Properties of a BrowserEvent. */
            interface $Properties {

                /** BrowserEvent eventId */
                eventId?: string;

                /** BrowserEvent userId */
                userId?: string;

                /** BrowserEvent deviceId */
                deviceId?: string;

                /** BrowserEvent sessionId */
                sessionId?: (number|Long);

                /** BrowserEvent timestamp */
                timestamp?: (number|Long);

                /** BrowserEvent pageView */
                pageView?: (millrace.v1.PageView.$Properties|null);

                /** BrowserEvent searchEvent */
                searchEvent?: (millrace.v1.SearchEvent.$Properties|null);

                /** BrowserEvent aiInteraction */
                aiInteraction?: (millrace.v1.AIInteraction.$Properties|null);

                /** BrowserEvent navigation */
                navigation?: (millrace.v1.Navigation.$Properties|null);

                /** BrowserEvent performance */
                performance?: (millrace.v1.Performance.$Properties|null);

                /** BrowserEvent adEvent */
                adEvent?: (millrace.v1.AdEvent.$Properties|null);

                /** BrowserEvent payload */
                payload?: ("pageView"|"searchEvent"|"aiInteraction"|"navigation"|"performance"|"adEvent");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a BrowserEvent. */
            type $Shape = {
              eventId?: string;
              userId?: string;
              deviceId?: string;
              sessionId?: number|Long;
              timestamp?: number|Long;
              pageView?: millrace.v1.PageView.$Shape|null;
              searchEvent?: millrace.v1.SearchEvent.$Shape|null;
              aiInteraction?: millrace.v1.AIInteraction.$Shape|null;
              navigation?: millrace.v1.Navigation.$Shape|null;
              performance?: millrace.v1.Performance.$Shape|null;
              adEvent?: millrace.v1.AdEvent.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ payload?: undefined; pageView?: null; searchEvent?: null; aiInteraction?: null; navigation?: null; performance?: null; adEvent?: null }|{ payload?: "pageView"; pageView: millrace.v1.PageView.$Shape; searchEvent?: null; aiInteraction?: null; navigation?: null; performance?: null; adEvent?: null }|{ payload?: "searchEvent"; pageView?: null; searchEvent: millrace.v1.SearchEvent.$Shape; aiInteraction?: null; navigation?: null; performance?: null; adEvent?: null }|{ payload?: "aiInteraction"; pageView?: null; searchEvent?: null; aiInteraction: millrace.v1.AIInteraction.$Shape; navigation?: null; performance?: null; adEvent?: null }|{ payload?: "navigation"; pageView?: null; searchEvent?: null; aiInteraction?: null; navigation: millrace.v1.Navigation.$Shape; performance?: null; adEvent?: null }|{ payload?: "performance"; pageView?: null; searchEvent?: null; aiInteraction?: null; navigation?: null; performance: millrace.v1.Performance.$Shape; adEvent?: null }|{ payload?: "adEvent"; pageView?: null; searchEvent?: null; aiInteraction?: null; navigation?: null; performance?: null; adEvent: millrace.v1.AdEvent.$Shape })
            );
        }

        /**
         * Properties of a PageView.
         * @deprecated Use millrace.v1.PageView.$Properties instead.
         */
        interface IPageView extends millrace.v1.PageView.$Properties {
        }

        /** Represents a PageView. */
        class PageView {

            /**
             * Constructs a new PageView.
             * @param [properties] Properties to set
             */
            constructor(properties?: millrace.v1.PageView.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PageView url. */
            url: string;

            /** PageView title. */
            title: string;

            /** PageView referrer. */
            referrer: string;

            /** PageView loadTimeMs. */
            loadTimeMs: (number|null);

            /** PageView scrollDepthPct. */
            scrollDepthPct: (number|null);

            /**
             * Creates a new PageView instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PageView instance
             */
            static create(properties: millrace.v1.PageView.$Shape): millrace.v1.PageView & millrace.v1.PageView.$Shape;
            static create(properties?: millrace.v1.PageView.$Properties): millrace.v1.PageView;

            /**
             * Encodes the specified PageView message. Does not implicitly {@link millrace.v1.PageView.verify|verify} messages.
             * @param message PageView message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: millrace.v1.PageView.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PageView message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {millrace.v1.PageView & millrace.v1.PageView.$Shape} PageView
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): millrace.v1.PageView & millrace.v1.PageView.$Shape;
        }

        namespace PageView {

            /** Properties of a PageView. */
            interface $Properties {

                /** PageView url */
                url?: string;

                /** PageView title */
                title?: string;

                /** PageView referrer */
                referrer?: string;

                /** PageView loadTimeMs */
                loadTimeMs?: (number|null);

                /** PageView scrollDepthPct */
                scrollDepthPct?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PageView. */
            type $Shape = millrace.v1.PageView.$Properties;
        }

        /**
         * Properties of a SearchEvent.
         * @deprecated Use millrace.v1.SearchEvent.$Properties instead.
         */
        interface ISearchEvent extends millrace.v1.SearchEvent.$Properties {
        }

        /** Represents a SearchEvent. */
        class SearchEvent {

            /**
             * Constructs a new SearchEvent.
             * @param [properties] Properties to set
             */
            constructor(properties?: millrace.v1.SearchEvent.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SearchEvent query. */
            query: string;

            /** SearchEvent engine. */
            engine: string;

            /** SearchEvent resultCount. */
            resultCount: (number|null);

            /** SearchEvent clickedPosition. */
            clickedPosition: (number|null);

            /**
             * Creates a new SearchEvent instance using the specified properties.
             * @param [properties] Properties to set
             * @returns SearchEvent instance
             */
            static create(properties: millrace.v1.SearchEvent.$Shape): millrace.v1.SearchEvent & millrace.v1.SearchEvent.$Shape;
            static create(properties?: millrace.v1.SearchEvent.$Properties): millrace.v1.SearchEvent;

            /**
             * Encodes the specified SearchEvent message. Does not implicitly {@link millrace.v1.SearchEvent.verify|verify} messages.
             * @param message SearchEvent message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: millrace.v1.SearchEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SearchEvent message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {millrace.v1.SearchEvent & millrace.v1.SearchEvent.$Shape} SearchEvent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): millrace.v1.SearchEvent & millrace.v1.SearchEvent.$Shape;
        }

        namespace SearchEvent {

            /** Properties of a SearchEvent. */
            interface $Properties {

                /** SearchEvent query */
                query?: string;

                /** SearchEvent engine */
                engine?: string;

                /** SearchEvent resultCount */
                resultCount?: (number|null);

                /** SearchEvent clickedPosition */
                clickedPosition?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SearchEvent. */
            type $Shape = millrace.v1.SearchEvent.$Properties;
        }

        /**
         * Properties of a AIInteraction.
         * @deprecated Use millrace.v1.AIInteraction.$Properties instead.
         */
        interface IAIInteraction extends millrace.v1.AIInteraction.$Properties {
        }

        /** Represents a AIInteraction. */
        class AIInteraction {

            /**
             * Constructs a new AIInteraction.
             * @param [properties] Properties to set
             */
            constructor(properties?: millrace.v1.AIInteraction.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** AIInteraction conversationId. */
            conversationId: string;

            /** AIInteraction taskType. */
            taskType: string;

            /** AIInteraction model. */
            model: string;

            /** AIInteraction inputTokens. */
            inputTokens: (number|null);

            /** AIInteraction outputTokens. */
            outputTokens: (number|null);

            /** AIInteraction latencyMs. */
            latencyMs: (number|null);

            /** AIInteraction cached. */
            cached: (boolean|null);

            /**
             * Creates a new AIInteraction instance using the specified properties.
             * @param [properties] Properties to set
             * @returns AIInteraction instance
             */
            static create(properties: millrace.v1.AIInteraction.$Shape): millrace.v1.AIInteraction & millrace.v1.AIInteraction.$Shape;
            static create(properties?: millrace.v1.AIInteraction.$Properties): millrace.v1.AIInteraction;

            /**
             * Encodes the specified AIInteraction message. Does not implicitly {@link millrace.v1.AIInteraction.verify|verify} messages.
             * @param message AIInteraction message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: millrace.v1.AIInteraction.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a AIInteraction message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {millrace.v1.AIInteraction & millrace.v1.AIInteraction.$Shape} AIInteraction
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): millrace.v1.AIInteraction & millrace.v1.AIInteraction.$Shape;
        }

        namespace AIInteraction {

            /** Properties of a AIInteraction. */
            interface $Properties {

                /** AIInteraction conversationId */
                conversationId?: string;

                /** AIInteraction taskType */
                taskType?: string;

                /** AIInteraction model */
                model?: string;

                /** AIInteraction inputTokens */
                inputTokens?: (number|null);

                /** AIInteraction outputTokens */
                outputTokens?: (number|null);

                /** AIInteraction latencyMs */
                latencyMs?: (number|null);

                /** AIInteraction cached */
                cached?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a AIInteraction. */
            type $Shape = millrace.v1.AIInteraction.$Properties;
        }

        /**
         * Properties of a Navigation.
         * @deprecated Use millrace.v1.Navigation.$Properties instead.
         */
        interface INavigation extends millrace.v1.Navigation.$Properties {
        }

        /** Represents a Navigation. */
        class Navigation {

            /**
             * Constructs a new Navigation.
             * @param [properties] Properties to set
             */
            constructor(properties?: millrace.v1.Navigation.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Navigation urlFrom. */
            urlFrom: string;

            /** Navigation urlTo. */
            urlTo: string;

            /** Navigation trigger. */
            trigger: millrace.v1.Navigation.Trigger;

            /**
             * Creates a new Navigation instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Navigation instance
             */
            static create(properties: millrace.v1.Navigation.$Shape): millrace.v1.Navigation & millrace.v1.Navigation.$Shape;
            static create(properties?: millrace.v1.Navigation.$Properties): millrace.v1.Navigation;

            /**
             * Encodes the specified Navigation message. Does not implicitly {@link millrace.v1.Navigation.verify|verify} messages.
             * @param message Navigation message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: millrace.v1.Navigation.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Navigation message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {millrace.v1.Navigation & millrace.v1.Navigation.$Shape} Navigation
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): millrace.v1.Navigation & millrace.v1.Navigation.$Shape;
        }

        namespace Navigation {

            /** Properties of a Navigation. */
            interface $Properties {

                /** Navigation urlFrom */
                urlFrom?: string;

                /** Navigation urlTo */
                urlTo?: string;

                /** Navigation trigger */
                trigger?: millrace.v1.Navigation.Trigger;

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Navigation. */
            type $Shape = millrace.v1.Navigation.$Properties;

            /** Trigger enum. */
            enum Trigger {

                /** TRIGGER_UNSPECIFIED value */
                TRIGGER_UNSPECIFIED = 0,

                /** LINK value */
                LINK = 1,

                /** TYPED value */
                TYPED = 2,

                /** BOOKMARK value */
                BOOKMARK = 3,

                /** BACK value */
                BACK = 4,

                /** AI_SUGGEST value */
                AI_SUGGEST = 5
            }
        }

        /**
         * Properties of a Performance.
         * @deprecated Use millrace.v1.Performance.$Properties instead.
         */
        interface IPerformance extends millrace.v1.Performance.$Properties {
        }

        /** Represents a Performance. */
        class Performance {

            /**
             * Constructs a new Performance.
             * @param [properties] Properties to set
             */
            constructor(properties?: millrace.v1.Performance.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Performance metricName. */
            metricName: millrace.v1.Performance.MetricName;

            /** Performance value. */
            value: (number|null);

            /** Performance url. */
            url: string;

            /**
             * Creates a new Performance instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Performance instance
             */
            static create(properties: millrace.v1.Performance.$Shape): millrace.v1.Performance & millrace.v1.Performance.$Shape;
            static create(properties?: millrace.v1.Performance.$Properties): millrace.v1.Performance;

            /**
             * Encodes the specified Performance message. Does not implicitly {@link millrace.v1.Performance.verify|verify} messages.
             * @param message Performance message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: millrace.v1.Performance.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Performance message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {millrace.v1.Performance & millrace.v1.Performance.$Shape} Performance
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): millrace.v1.Performance & millrace.v1.Performance.$Shape;
        }

        namespace Performance {

            /** Properties of a Performance. */
            interface $Properties {

                /** Performance metricName */
                metricName?: millrace.v1.Performance.MetricName;

                /** Performance value */
                value?: (number|null);

                /** Performance url */
                url?: string;

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Performance. */
            type $Shape = millrace.v1.Performance.$Properties;

            /** MetricName enum. */
            enum MetricName {

                /** METRIC_NAME_UNSPECIFIED value */
                METRIC_NAME_UNSPECIFIED = 0,

                /** FCP value */
                FCP = 1,

                /** LCP value */
                LCP = 2,

                /** CLS value */
                CLS = 3,

                /** FID value */
                FID = 4,

                /** TTFB value */
                TTFB = 5,

                /** INP value */
                INP = 6
            }
        }

        /**
         * Properties of an AdEvent.
         * @deprecated Use millrace.v1.AdEvent.$Properties instead.
         */
        interface IAdEvent extends millrace.v1.AdEvent.$Properties {
        }

        /** Represents an AdEvent. */
        class AdEvent {

            /**
             * Constructs a new AdEvent.
             * @param [properties] Properties to set
             */
            constructor(properties?: millrace.v1.AdEvent.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** AdEvent adId. */
            adId: string;

            /** AdEvent campaignId. */
            campaignId: string;

            /** AdEvent placement. */
            placement: string;

            /** AdEvent action. */
            action: millrace.v1.AdEvent.Action;

            /** AdEvent revenueMicros. */
            revenueMicros: (number|Long|null);

            /**
             * Creates a new AdEvent instance using the specified properties.
             * @param [properties] Properties to set
             * @returns AdEvent instance
             */
            static create(properties: millrace.v1.AdEvent.$Shape): millrace.v1.AdEvent & millrace.v1.AdEvent.$Shape;
            static create(properties?: millrace.v1.AdEvent.$Properties): millrace.v1.AdEvent;

            /**
             * Encodes the specified AdEvent message. Does not implicitly {@link millrace.v1.AdEvent.verify|verify} messages.
             * @param message AdEvent message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: millrace.v1.AdEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an AdEvent message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {millrace.v1.AdEvent & millrace.v1.AdEvent.$Shape} AdEvent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): millrace.v1.AdEvent & millrace.v1.AdEvent.$Shape;
        }

        namespace AdEvent {

            /** Properties of an AdEvent. */
            interface $Properties {

                /** AdEvent adId */
                adId?: string;

                /** AdEvent campaignId */
                campaignId?: string;

                /** AdEvent placement */
                placement?: string;

                /** AdEvent action */
                action?: millrace.v1.AdEvent.Action;

                /** AdEvent revenueMicros */
                revenueMicros?: (number|Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an AdEvent. */
            type $Shape = millrace.v1.AdEvent.$Properties;

            /** Action enum. */
            enum Action {

                /** ACTION_UNSPECIFIED value */
                ACTION_UNSPECIFIED = 0,

                /** IMPRESSION value */
                IMPRESSION = 1,

                /** VIEWABLE value */
                VIEWABLE = 2,

                /** CLICK value */
                CLICK = 3,

                /** CONVERSION value */
                CONVERSION = 4
            }
        }

        /**
         * Properties of an EventBatchResponse.
         * @deprecated Use millrace.v1.EventBatchResponse.$Properties instead.
         */
        interface IEventBatchResponse extends millrace.v1.EventBatchResponse.$Properties {
        }

        /** Represents an EventBatchResponse. */
        class EventBatchResponse {

            /**
             * Constructs a new EventBatchResponse.
             * @param [properties] Properties to set
             */
            constructor(properties?: millrace.v1.EventBatchResponse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** EventBatchResponse batchId. */
            batchId: string;

            /** EventBatchResponse accepted. */
            accepted: number;

            /** EventBatchResponse duplicates. */
            duplicates: number;

            /** EventBatchResponse rejected. */
            rejected: millrace.v1.RejectedEvent[];

            /** EventBatchResponse retry. */
            retry: millrace.v1.RejectedEvent[];

            /**
             * Creates a new EventBatchResponse instance using the specified properties.
             * @param [properties] Properties to set
             * @returns EventBatchResponse instance
             */
            static create(properties: millrace.v1.EventBatchResponse.$Shape): millrace.v1.EventBatchResponse & millrace.v1.EventBatchResponse.$Shape;
            static create(properties?: millrace.v1.EventBatchResponse.$Properties): millrace.v1.EventBatchResponse;

            /**
             * Encodes the specified EventBatchResponse message. Does not implicitly {@link millrace.v1.EventBatchResponse.verify|verify} messages.
             * @param message EventBatchResponse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: millrace.v1.EventBatchResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an EventBatchResponse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {millrace.v1.EventBatchResponse & millrace.v1.EventBatchResponse.$Shape} EventBatchResponse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): millrace.v1.EventBatchResponse & millrace.v1.EventBatchResponse.$Shape;
        }

        namespace EventBatchResponse {

            /** Properties of an EventBatchResponse. */
            interface $Properties {

                /** EventBatchResponse batchId */
                batchId?: string;

                /** EventBatchResponse accepted */
                accepted?: number;

                /** EventBatchResponse duplicates */
                duplicates?: number;

                /** EventBatchResponse rejected */
                rejected?: millrace.v1.RejectedEvent.$Properties[];

                /** EventBatchResponse retry */
                retry?: millrace.v1.RejectedEvent.$Properties[];

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an EventBatchResponse. */
            type $Shape = millrace.v1.EventBatchResponse.$Properties;
        }

        /**
         * Properties of a RejectedEvent.
         * @deprecated Use millrace.v1.RejectedEvent.$Properties instead.
         */
        interface IRejectedEvent extends millrace.v1.RejectedEvent.$Properties {
        }

        /** Represents a RejectedEvent. */
        class RejectedEvent {

            /**
             * Constructs a new RejectedEvent.
             * @param [properties] Properties to set
             */
            constructor(properties?: millrace.v1.RejectedEvent.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** RejectedEvent index. */
            index: number;

            /** RejectedEvent eventId. */
            eventId: string;

            /** RejectedEvent reason. */
            reason: string;

            /** RejectedEvent issues. */
            issues: string[];

            /**
             * Creates a new RejectedEvent instance using the specified properties.
             * @param [properties] Properties to set
             * @returns RejectedEvent instance
             */
            static create(properties: millrace.v1.RejectedEvent.$Shape): millrace.v1.RejectedEvent & millrace.v1.RejectedEvent.$Shape;
            static create(properties?: millrace.v1.RejectedEvent.$Properties): millrace.v1.RejectedEvent;

            /**
             * Encodes the specified RejectedEvent message. Does not implicitly {@link millrace.v1.RejectedEvent.verify|verify} messages.
             * @param message RejectedEvent message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: millrace.v1.RejectedEvent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a RejectedEvent message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {millrace.v1.RejectedEvent & millrace.v1.RejectedEvent.$Shape} RejectedEvent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): millrace.v1.RejectedEvent & millrace.v1.RejectedEvent.$Shape;
        }

        namespace RejectedEvent {

            /** Properties of a RejectedEvent. */
            interface $Properties {

                /** RejectedEvent index */
                index?: number;

                /** RejectedEvent eventId */
                eventId?: string;

                /** RejectedEvent reason */
                reason?: string;

                /** RejectedEvent issues */
                issues?: string[];

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a RejectedEvent. */
            type $Shape = millrace.v1.RejectedEvent.$Properties;
        }
    }
}
