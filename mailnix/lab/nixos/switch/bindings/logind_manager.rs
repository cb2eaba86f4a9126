use dbus::blocking::{BlockingSender, Proxy};

pub trait OrgFreedesktopLogin1Manager {
    fn list_users(&self) -> Result<Vec<(u32, String, dbus::Path<'static>)>, dbus::Error>;
}

impl<'a, T: BlockingSender, C: std::ops::Deref<Target = T>> OrgFreedesktopLogin1Manager for Proxy<'a, C> {
    fn list_users(&self) -> Result<Vec<(u32, String, dbus::Path<'static>)>, dbus::Error> {
        self.method_call("org.freedesktop.login1.Manager", "ListUsers", ())
            .map(|users: (Vec<(u32, String, dbus::Path<'static>)>,)| users.0)
    }
}
