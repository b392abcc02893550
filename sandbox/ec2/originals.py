"""moto's own methods, as they were before `sandbox.ec2.wrappers` took their place."""

from typing import Any

from moto.ec2.models.amis import AmiBackend
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.tags import TagBackend
from moto.iam.models import IAMBackend
from moto.ssm.models import ParameterDict

run_instances: Any = InstanceBackend.run_instances
terminate: Any = Instance.terminate
stop: Any = Instance.stop
start: Any = Instance.start
create_tags: Any = TagBackend.create_tags
delete_tags: Any = TagBackend.delete_tags
delete_tag_keys: Any = TagBackend.delete_tag_keys
describe_volumes: Any = EBSBackend.describe_volumes
load_images: Any = AmiBackend._load_amis  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  the only place that fills the list
add_role: Any = IAMBackend.add_role_to_instance_profile
load_parameters: Any = ParameterDict._load_latest_amis  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  as above
modify_attribute: Any = InstanceBackend.modify_instance_attribute
describe_groups: Any = SecurityGroupBackend.describe_security_groups
