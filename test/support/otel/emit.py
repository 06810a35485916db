"""The same application as emit.ts with the OpenTelemetry SDK for Python: python emit.py <http|grpc> <count> <ms between>."""

import json
import logging
import sys
import time

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

protocol, count, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 1000
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

complaints = []


class Complaints(logging.Handler):
    def emit(self, record):
        complaints.append(record.getMessage()[:300])


# Of errors only: that it tries again is what warnings say.
logging.getLogger("opentelemetry").addHandler(Complaints(level=logging.ERROR))

traces = TracerProvider()
traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(traces)
logs = LoggerProvider()
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
set_logger_provider(logs)
meters = MeterProvider(metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())])
metrics.set_meter_provider(meters)

shop = logging.getLogger("shop")
shop.setLevel(logging.INFO)
shop.addHandler(LoggingHandler(logger_provider=logs))
tracer = trace.get_tracer("shop-http", "0.9.0")
orders = metrics.get_meter("shop-metrics", "3.0.0").create_counter("orders", unit="{order}", description="orders placed")
latency = metrics.get_meter("shop-metrics", "3.0.0").create_histogram("latency", unit="ms")

for at in range(count):
    with tracer.start_as_current_span("POST /orders", kind=trace.SpanKind.SERVER) as span:
        span.set_attributes(
            {
                "http.request.method": "POST",
                "url.path": "/orders",
                "server.address": "shop.example",
                "http.response.status_code": 200 if at % 2 == 0 else 500,
                "order.number": at,
                "order.total": 0,
            }
        )
        span.set_status(trace.StatusCode.OK if at % 2 == 0 else trace.StatusCode.ERROR)
        shop.info("order %d placed", at, extra={"order.number": at})
    orders.add(1, {"plan": "pro"})
    latency.record(at % 30)
    if pause > 0:
        time.sleep(pause)

flushed = [traces.force_flush(), logs.force_flush(), meters.force_flush()]
if not all(flushed):
    complaints.append(f"force_flush: {flushed}")
traces.shutdown()
logs.shutdown()
meters.shutdown()
print(json.dumps({"complaints": complaints}))
