use dbus::arg::{AppendAll, IterAppend, ReadAll, Iter, TypeMismatchError};
use dbus::blocking::{BlockingSender, Proxy, stdintf::org_freedesktop_dbus::Properties};
use dbus::message::SignalArgs;

type Listed = (String, String, String, String, String, String, dbus::Path<'static>, u32, String, dbus::Path<'static>);
const MANAGER: &str = "org.freedesktop.systemd1.Manager";

pub trait OrgFreedesktopSystemd1Manager {
    fn get_unit(&self, name: &str) -> Result<dbus::Path<'static>, dbus::Error>;
    fn start_unit(&self, name: &str, mode: &str) -> Result<dbus::Path<'static>, dbus::Error>;
    fn stop_unit(&self, name: &str, mode: &str) -> Result<dbus::Path<'static>, dbus::Error>;
    fn reload_unit(&self, name: &str, mode: &str) -> Result<dbus::Path<'static>, dbus::Error>;
    fn restart_unit(&self, name: &str, mode: &str) -> Result<dbus::Path<'static>, dbus::Error>;
    fn reset_failed(&self) -> Result<(), dbus::Error>;
    fn list_units_by_patterns(&self, states: Vec<&str>, patterns: Vec<&str>) -> Result<Vec<Listed>, dbus::Error>;
    fn subscribe(&self) -> Result<(), dbus::Error>;
    fn reload(&self) -> Result<(), dbus::Error>;
    fn reexecute(&self) -> Result<(), dbus::Error>;
    fn environment(&self) -> Result<Vec<String>, dbus::Error>;
}

impl<'a, T: BlockingSender, C: std::ops::Deref<Target = T>> OrgFreedesktopSystemd1Manager for Proxy<'a, C> {
    fn get_unit(&self, name: &str) -> Result<dbus::Path<'static>, dbus::Error> {
        self.method_call(MANAGER, "GetUnit", (name,)).map(|found: (dbus::Path<'static>,)| found.0)
    }
    fn start_unit(&self, name: &str, mode: &str) -> Result<dbus::Path<'static>, dbus::Error> {
        self.method_call(MANAGER, "StartUnit", (name, mode)).map(|job: (dbus::Path<'static>,)| job.0)
    }
    fn stop_unit(&self, name: &str, mode: &str) -> Result<dbus::Path<'static>, dbus::Error> {
        self.method_call(MANAGER, "StopUnit", (name, mode)).map(|job: (dbus::Path<'static>,)| job.0)
    }
    fn reload_unit(&self, name: &str, mode: &str) -> Result<dbus::Path<'static>, dbus::Error> {
        self.method_call(MANAGER, "ReloadUnit", (name, mode)).map(|job: (dbus::Path<'static>,)| job.0)
    }
    fn restart_unit(&self, name: &str, mode: &str) -> Result<dbus::Path<'static>, dbus::Error> {
        self.method_call(MANAGER, "RestartUnit", (name, mode)).map(|job: (dbus::Path<'static>,)| job.0)
    }
    fn reset_failed(&self) -> Result<(), dbus::Error> {
        self.method_call(MANAGER, "ResetFailed", ())
    }
    fn list_units_by_patterns(&self, states: Vec<&str>, patterns: Vec<&str>) -> Result<Vec<Listed>, dbus::Error> {
        self.method_call(MANAGER, "ListUnitsByPatterns", (states, patterns)).map(|units: (Vec<Listed>,)| units.0)
    }
    fn subscribe(&self) -> Result<(), dbus::Error> {
        self.method_call(MANAGER, "Subscribe", ())
    }
    fn reload(&self) -> Result<(), dbus::Error> {
        self.method_call(MANAGER, "Reload", ())
    }
    fn reexecute(&self) -> Result<(), dbus::Error> {
        self.method_call(MANAGER, "Reexecute", ())
    }
    fn environment(&self) -> Result<Vec<String>, dbus::Error> {
        Properties::get(self, MANAGER, "Environment")
    }
}

#[derive(Debug)]
pub struct OrgFreedesktopSystemd1ManagerJobRemoved {
    pub id: u32,
    pub job: dbus::Path<'static>,
    pub unit: String,
    pub result: String,
}
impl AppendAll for OrgFreedesktopSystemd1ManagerJobRemoved {
    fn append(&self, i: &mut IterAppend) {
        (self.id, &self.job, &self.unit, &self.result).append(i)
    }
}
impl ReadAll for OrgFreedesktopSystemd1ManagerJobRemoved {
    fn read(i: &mut Iter) -> Result<Self, TypeMismatchError> {
        Ok(Self { id: i.read()?, job: i.read()?, unit: i.read()?, result: i.read()? })
    }
}
impl SignalArgs for OrgFreedesktopSystemd1ManagerJobRemoved {
    const NAME: &'static str = "JobRemoved";
    const INTERFACE: &'static str = MANAGER;
}

#[derive(Debug)]
pub struct OrgFreedesktopSystemd1ManagerReloading {
    pub active: bool,
}
impl AppendAll for OrgFreedesktopSystemd1ManagerReloading {
    fn append(&self, i: &mut IterAppend) {
        (self.active,).append(i)
    }
}
impl ReadAll for OrgFreedesktopSystemd1ManagerReloading {
    fn read(i: &mut Iter) -> Result<Self, TypeMismatchError> {
        Ok(Self { active: i.read()? })
    }
}
impl SignalArgs for OrgFreedesktopSystemd1ManagerReloading {
    const NAME: &'static str = "Reloading";
    const INTERFACE: &'static str = MANAGER;
}
