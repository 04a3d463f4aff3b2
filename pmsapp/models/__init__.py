"""The tables, one file per family. Importing this package registers them all."""

from pmsapp.models.handover import FormerCard, TokenLease
from pmsapp.models.operations import (
    AlertDelivery,
    Incident,
    MetricCounter,
    ProcessBeat,
    ScheduledTask,
    VendorBlock,
)
from pmsapp.models.people import APIToken, AuditEvent, Clinic, LoginThrottle, User, UserSession
from pmsapp.models.pms import (
    Freshness,
    PMSAppointmentType,
    PMSClinicianMapping,
    PMSConnection,
    Quarantine,
    SyncRun,
    SyncScope,
    VendorMemory,
    WebhookEvent,
)
from pmsapp.models.sheet import (
    Decision,
    PatientRead,
    RunSheet,
    RunSheetAppointment,
    RunSheetClinician,
    RunSheetEvent,
    RunSheetOverride,
)

__all__ = [
    "APIToken",
    "AlertDelivery",
    "AuditEvent",
    "Clinic",
    "Decision",
    "FormerCard",
    "Freshness",
    "Incident",
    "LoginThrottle",
    "MetricCounter",
    "PMSAppointmentType",
    "PMSClinicianMapping",
    "PMSConnection",
    "PatientRead",
    "ProcessBeat",
    "Quarantine",
    "RunSheet",
    "RunSheetAppointment",
    "RunSheetClinician",
    "RunSheetEvent",
    "RunSheetOverride",
    "ScheduledTask",
    "SyncRun",
    "SyncScope",
    "TokenLease",
    "User",
    "UserSession",
    "VendorBlock",
    "VendorMemory",
    "WebhookEvent",
]
